// SPDX-License-Identifier: Apache-2.0
#include "kernel/profile_file.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/file.h"

namespace drydock {
namespace {

constexpr char kMagic[8] = {'D', 'R', 'Y', 'D', 'O', 'C', 'K', 'P'};
constexpr uint32_t kVersion = 1;
constexpr uint64_t kLargestSection = 256u << 20;
constexpr int kLevel = 19;

struct FileHeader {
  char magic[8];
  uint32_t version, sections;
};
struct SectionHeader {
  char tag[4];
  uint32_t zero;
  uint64_t length, compressed;
};

class Writer {
 public:
  Writer() : out_(sizeof(FileHeader)) {}

  void section(std::string_view tag, std::span<const std::byte> data) {
    ++count_;
    std::vector<std::byte> packed(ZSTD_compressBound(data.size()));
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t size = ZSTD_compress2(context, packed.data(), packed.size(), data.data(), data.size());
    ZSTD_freeCCtx(context);
    SectionHeader header{{}, 0, data.size(), size};
    std::memcpy(header.tag, tag.data(), sizeof header.tag);
    put(&header, sizeof header);
    put(packed.data(), size);
  }

  std::vector<std::byte> finish() {
    FileHeader header{{}, kVersion, count_};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    std::memcpy(out_.data(), &header, sizeof header);
    return std::move(out_);
  }

 private:
  void put(const void* data, size_t size) {
    auto* bytes = static_cast<const std::byte*>(data);
    out_.insert(out_.end(), bytes, bytes + size);
  }
  std::vector<std::byte> out_;
  uint32_t count_ = 0;
};

// Reads one section after another; ok() turns false at the first that is damaged.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> rest) : rest_(rest) {}
  bool ok() const { return ok_; }

  bool next(std::string_view& tag, std::vector<std::byte>& data) {
    if (rest_.size() < sizeof header_) return ok_ = false;
    std::memcpy(&header_, rest_.data(), sizeof header_);
    rest_ = rest_.subspan(sizeof header_);
    if (header_.compressed > rest_.size() || header_.length > kLargestSection) return ok_ = false;
    data.resize(header_.length);
    size_t size = ZSTD_decompress(data.data(), data.size(), rest_.data(), header_.compressed);
    if (ZSTD_isError(size) || size != header_.length) return ok_ = false;
    rest_ = rest_.subspan(header_.compressed);
    tag = std::string_view(header_.tag, sizeof header_.tag);
    return true;
  }

 private:
  std::span<const std::byte> rest_;
  SectionHeader header_{};
  bool ok_ = true;
};

void read_meta(std::string_view text, ProfileParts& parts) {
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    size_t equals = line.find('=');
    if (equals == line.npos) continue;
    std::string_view key = line.substr(0, equals), value = line.substr(equals + 1);
    if (key == "name") parts.name = value;
    if (key == "release") parts.release = value;
    if (key == "stable") parts.stable = value;
    if (key == "provenance") parts.provenance = value;
  }
}

void take_section(std::string_view tag, std::vector<std::byte> data, ProfileParts& parts) {
  std::string_view text = as_text(data);
  if (tag == "META") {
    read_meta(text, parts);
  } else if (tag == "CONF") {
    parts.config = text;
  } else if (tag == "SYMB") {
    parts.symbols = text;
  } else if (tag == "PROB") {
    parts.probed = text;
  } else if (tag == "BTF ") {
    parts.btf = std::move(data);
  } else if (tag == "IDS ") {
    parts.btf_ids = std::move(data);
  } else if (tag == "MODB") {
    size_t end = text.find('\0');
    if (end == text.npos) return;
    parts.modules.emplace_back(std::string(text.substr(0, end)),
                               std::vector<std::byte>(data.begin() + static_cast<long>(end) + 1,
                                                      data.end()));
  }
}

}  // namespace

std::vector<std::byte> encode_profile(const ProfileParts& parts) {
  Writer writer;
  writer.section("META", as_byte_span("name=" + parts.name + "\nrelease=" + parts.release +
                                      "\nstable=" + parts.stable +
                                      "\nprovenance=" + parts.provenance + "\n"));
  writer.section("CONF", as_byte_span(parts.config));
  writer.section("BTF ", parts.btf);
  if (!parts.btf_ids.empty()) writer.section("IDS ", parts.btf_ids);
  if (!parts.symbols.empty()) writer.section("SYMB", as_byte_span(parts.symbols));
  if (!parts.probed.empty()) writer.section("PROB", as_byte_span(parts.probed));
  for (const auto& [name, bytes] : parts.modules) {
    std::string data = name + '\0';
    data += as_text(bytes);
    writer.section("MODB", as_byte_span(data));
  }
  return writer.finish();
}

Result<ProfileParts> decode_profile(std::span<const std::byte> file, const std::string& what) {
  FileHeader header{};
  if (file.size() < sizeof header || std::memcmp(file.data(), kMagic, sizeof kMagic) != 0)
    return malformed(what + ": not a kernel profile (drydock kernel import makes one)");
  std::memcpy(&header, file.data(), sizeof header);
  if (header.version != kVersion)
    return malformed(what + ": profile format " + std::to_string(header.version) +
                     ", this Drydock reads " + std::to_string(kVersion));
  ProfileParts parts;
  Reader reader(file.subspan(sizeof header));
  std::string_view tag;
  std::vector<std::byte> data;
  for (uint32_t i = 0; i < header.sections; ++i) {
    if (!reader.next(tag, data)) return malformed(what + ": the profile is damaged");
    take_section(tag, std::move(data), parts);
    data = {};
  }
  return parts;
}

}  // namespace drydock
