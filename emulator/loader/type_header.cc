// SPDX-License-Identifier: Apache-2.0
#include "emulator/loader/type_header.h"

#include <bpf/btf.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "emulator/loader/seam.h"
#include "verifier/verify.h"

namespace drydock {
namespace {

constexpr const char* kBegin =
    "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"
    "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
    "#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)\n"
    "#endif\n\n";
constexpr const char* kEnd =
    "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n\n"
    "#endif /* __VMLINUX_H__ */\n";

void append(void* text, const char* format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length <= 0) return;
  auto& out = *static_cast<std::string*>(text);
  size_t at = out.size();
  out.resize(at + static_cast<size_t>(length) + 1);
  std::vsnprintf(out.data() + at, static_cast<size_t>(length) + 1, format, arguments);
  out.pop_back();
}

struct FreeBtf {
  void operator()(btf* b) const { btf__free(b); }
  void operator()(btf_dump* d) const { btf_dump__free(d); }
};

}  // namespace

Result<std::string> type_header(const std::shared_ptr<const Profile>& profile) {
  Kernel kernel(profile, {.verifier = verify});
  ProfileFiles files(profile);
  LibbpfCall call(kernel, files);
  auto bytes = profile->btf()->bytes();
  std::unique_ptr<btf, FreeBtf> types(btf__new(bytes.data(), static_cast<uint32_t>(bytes.size())));
  if (!types)
    return malformed("libbpf does not read the profile's BTF: " + std::string(strerror(errno)));
  std::string text = kBegin;
  std::unique_ptr<btf_dump, FreeBtf> dump(btf_dump__new(types.get(), append, &text, nullptr));
  if (!dump)
    return malformed("libbpf does not print the profile's BTF: " + std::string(strerror(errno)));
  for (uint32_t id = 1; id < btf__type_cnt(types.get()); ++id)
    if (int err = btf_dump__dump_type(dump.get(), id))
      return malformed("type " + std::to_string(id) + " of the profile's BTF: " + strerror(-err));
  return text + kEnd;
}

}  // namespace drydock
