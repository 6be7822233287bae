// SPDX-License-Identifier: Apache-2.0
#include "kernel/profile_builder.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "kernel/features.h"

namespace drydock {
namespace {

// A word of .BTF_ids at a time.
class Words {
 public:
  explicit Words(std::span<const std::byte> bytes) : bytes_(bytes) {}
  size_t size() const { return bytes_.size() / 4; }
  uint32_t operator[](size_t i) const {
    uint32_t word;
    std::memcpy(&word, bytes_.data() + i * 4, 4);
    return word;
  }

 private:
  std::span<const std::byte> bytes_;
};

constexpr uint32_t kSetHoldsKfuncs = 1;  // the flags word of a set of kfuncs

// Is there a set of kfuncs at word `at`: count, flags, then pairs (FUNC id, flags) that ascend?
// The image has no symbols to say where sets begin; that form does not occur by chance.
bool is_kfunc_set(const Btf& btf, const Words& words, size_t at) {
  if (at + 2 >= words.size() || words[at + 1] != kSetHoldsKfuncs) return false;
  uint64_t count = words[at];
  if (count == 0 || at + 2 + count * 2 > words.size()) return false;
  uint32_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    uint32_t id = words[at + 2 + i * 2];
    const BtfType* type = btf.type(id);
    if (id <= last || !type || type->kind() != BtfKind::kFunc) return false;
    last = id;
  }
  return true;
}

}  // namespace

std::optional<Release> parse_release(std::string_view text) {
  Release release;
  uint16_t* parts[] = {&release.major, &release.minor, &release.patch};
  const char* at = text.data();
  const char* end = at + text.size();
  for (size_t i = 0; i < std::size(parts); ++i) {
    auto [next, error] = std::from_chars(at, end, *parts[i]);
    if (error != std::errc{}) {
      if (i < 2) return std::nullopt;
      break;
    }
    at = next;
    if (at == end || *at != '.') {
      if (i == 0) return std::nullopt;
      break;
    }
    ++at;
  }
  return release;
}

Result<std::shared_ptr<const Profile>> ProfileBuilder::build(ProfileParts parts) {
  auto version = parse_release(parts.stable.empty() ? parts.release : parts.stable);
  if (!version) return malformed("kernel release '" + parts.release + "' is not a version");
  ProfileBuilder builder(std::move(parts));
  builder.profile_ = std::make_shared<Profile>();
  builder.profile_->version_ = *version;
  builder.profile_->possible_cpus_ = builder.parts_.possible_cpus;
  if (Status s = builder.read_btf(); !s) return std::unexpected(s.error());
  Profile& profile = *builder.profile_;
  profile.name_ = std::move(builder.parts_.name);
  profile.release_ = std::move(builder.parts_.release);
  profile.stable_ = std::move(builder.parts_.stable);
  profile.provenance_ = std::move(builder.parts_.provenance);
  profile.config_text_ = std::move(builder.parts_.config);
  profile.symbols_ = KernelSymbols(std::move(builder.parts_.symbols), profile.btf_);
  auto probed = Probed::parse(builder.parts_.probed);
  if (!probed) return std::unexpected(probed.error());
  profile.probed_ = std::move(*probed);
  builder.index_config();
  builder.read_kfunc_sets();
  builder.compute_features();
  return std::shared_ptr<const Profile>(std::move(builder.profile_));
}

Status ProfileBuilder::read_btf() {
  auto btf = Btf::parse(std::move(parts_.btf), "vmlinux");
  if (!btf) return std::unexpected(btf.error());
  profile_->btf_ = *btf;
  for (auto& [name, bytes] : parts_.modules) {
    auto module = Btf::parse(std::move(bytes), name, profile_->btf_);
    if (!module) return malformed("BTF of module " + name + ": " + module.error().message);
    profile_->modules_.push_back(*module);
  }
  return {};
}

void ProfileBuilder::index_config() {
  std::string_view text = profile_->config_text_;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    size_t equals = line.find('=');
    if (!line.starts_with("CONFIG_") || equals == line.npos) continue;
    std::string_view value = line.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    profile_->config_.emplace_back(line.substr(0, equals), value);
  }
  std::ranges::stable_sort(profile_->config_, {}, [](const auto& row) { return row.first; });
}

void ProfileBuilder::read_kfunc_sets() {
  Words words(parts_.btf_ids);
  if (words.size() == 0) return;
  auto& flags = profile_->kfunc_flags_;
  for (size_t at = 0; at < words.size();) {
    if (!is_kfunc_set(*profile_->btf_, words, at)) {
      ++at;
      continue;
    }
    uint32_t count = words[at];
    for (uint32_t i = 0; i < count; ++i)
      flags.emplace_back(words[at + 2 + i * 2], words[at + 3 + i * 2]);
    at += 2 + size_t{count} * 2;
  }
  // A kfunc stands in one set for each family of programs that may call it, with equal flags.
  std::ranges::sort(flags);
  auto rest = std::ranges::unique(flags, {}, [](const auto& row) { return row.first; });
  flags.erase(rest.begin(), rest.end());
  // Kernels before 6.9 do not mark the sets of kfuncs: none is found, and the rows decide.
  profile_->has_kfunc_flags_ = !flags.empty();
}

void ProfileBuilder::compute_features() {
  for (const FeatureInfo& row : all_features()) {
    bool has = within(profile_->version_, row.since, row.until);
    if (!row.config.empty()) has = has && profile_->config_enabled(row.config);
    profile_->features_.set(static_cast<size_t>(row.id), has);
  }
}

}  // namespace drydock
