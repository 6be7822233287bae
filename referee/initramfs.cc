// SPDX-License-Identifier: Apache-2.0
#include "referee/initramfs.h"

#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdio>

#include "base/file.h"

namespace drydock::referee {
namespace {

constexpr std::string_view kMagic = "070701", kTrailer = "TRAILER!!!";
constexpr int kZstdLevel = 1, kGzipLevel = 1;
// The kernel's decompressor refuses a larger window than this.
constexpr int kWindowLog = 22;

std::string eight_hex_digits(uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%08X", value);
  return text;
}

bool config_has(std::string_view config, std::string_view line) {
  size_t at = config.find(line);
  return at != config.npos && (at == 0 || config[at - 1] == '\n');
}

Result<std::vector<std::byte>> gzip(std::span<const std::byte> data) {
  z_stream stream{};
  constexpr int kGzipWrapper = 16;
  if (deflateInit2(&stream, kGzipLevel, Z_DEFLATED, MAX_WBITS + kGzipWrapper, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return malformed("zlib does not start");
  std::vector<std::byte> out(deflateBound(&stream, data.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return malformed("zlib cannot pack the initramfs");
  return out;
}

Result<std::vector<std::byte>> zstd(std::span<const std::byte> data) {
  std::vector<std::byte> out(ZSTD_compressBound(data.size()));
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, kWindowLog);
  size_t size = ZSTD_compress2(context, out.data(), out.size(), data.data(), data.size());
  ZSTD_freeCCtx(context);
  if (ZSTD_isError(size)) return malformed(std::string("zstd: ") + ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

}  // namespace

void CpioWriter::text(std::string_view part) {
  auto bytes = as_byte_span(part);
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void CpioWriter::align() {
  while (out_.size() % 4 != 0) out_.push_back(std::byte{0});
}

void CpioWriter::put(std::string_view name, const Entry& entry, std::span<const std::byte> data) {
  // In the order of the format: inode, mode, uid, gid, links, mtime, size, device, device named,
  // length of the name with its NUL, checksum (not used).
  const uint32_t fields[] = {next_inode_++,
                             entry.mode,
                             0,
                             0,
                             entry.links,
                             0,
                             static_cast<uint32_t>(data.size()),
                             0,
                             0,
                             entry.major,
                             entry.minor,
                             static_cast<uint32_t>(name.size() + 1),
                             0};
  text(kMagic);
  for (uint32_t field : fields) text(eight_hex_digits(field));
  text(name);
  out_.push_back(std::byte{0});
  align();
  out_.insert(out_.end(), data.begin(), data.end());
  align();
}

void CpioWriter::folder(std::string_view name) {
  put(name, {.mode = S_IFDIR | 0755, .links = 2}, {});
}

void CpioWriter::file(std::string_view name, std::span<const std::byte> data, bool executable) {
  put(name, {.mode = S_IFREG | (executable ? 0755u : 0644u)}, data);
}

void CpioWriter::character_device(std::string_view name, uint32_t major, uint32_t minor) {
  put(name, {.mode = S_IFCHR | 0600, .major = major, .minor = minor}, {});
}

std::vector<std::byte> CpioWriter::finish() {
  put(kTrailer, {}, {});
  next_inode_ = 1;
  return std::exchange(out_, {});
}

Packing packing_for(std::string_view config) {
  if (config_has(config, "CONFIG_RD_ZSTD=y")) return Packing::kZstd;
  if (config_has(config, "CONFIG_RD_GZIP=y")) return Packing::kGzip;
  return Packing::kPlain;
}

Result<std::vector<std::byte>> pack(std::vector<std::byte> archive, Packing packing) {
  switch (packing) {
    case Packing::kGzip: return gzip(archive);
    case Packing::kZstd: return zstd(archive);
    case Packing::kPlain: break;
  }
  return archive;
}

}  // namespace drydock::referee
