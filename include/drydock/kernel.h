// SPDX-License-Identifier: Apache-2.0
// An emulated kernel: a profile, who asks it, and how many CPUs it has. Objects are opened for it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drydock/object.h"
#include "drydock/profile.h"
#include "drydock/result.h"
#include "drydock/verdict.h"

namespace drydock::api {

struct KernelOptions {
  Capabilities capabilities = {};
  uint32_t cpus = 1;  // possible CPUs
};

/// Instructions without an object.
struct RawProgram {
  enum class Format { kHex, kBinary, kAssembly } format = Format::kHex;
  std::span<const std::byte> source;  // text, or with kBinary the instructions themselves
  std::string name = "raw";
  std::string type = "socket_filter", attach_type = {};
  std::string attach_function = {};  // by its BTF name
  std::string license = "GPL";
  bool sleepable = false;
};

/// Cheap to copy: copies are the same kernel. Two kernels share nothing.
class Kernel {
 public:
  explicit Kernel(const Profile& profile, const KernelOptions& options = {});
  const Profile& profile() const;

  /// An object in memory; `name` stands for it in messages.
  Result<Object> open(std::span<const std::byte> elf, const std::string& name) const;
  Result<Object> open_file(const std::string& path) const;
  /// An object of one program. kMalformed tells what is wrong with the instructions, kUsage with
  /// the rest.
  Result<Object> open_raw(const RawProgram& program) const;

  struct Impl;
  const std::shared_ptr<Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<Impl> impl_;
};

/// What a command line names: a file, or "-" for standard input.
Result<std::vector<std::byte>> read_input(const std::string& path);

/// Instructions as text without any kernel; calls of helpers by name.
Result<std::vector<std::string>> disassemble(RawProgram::Format format,
                                             std::span<const std::byte> source);

/// Runs instructions (hex digits) on memory (pairs of hex digits), unverified but with every memory
/// access checked: r1 is the memory, r2 its length, helper 5 returns its first argument. The result
/// is r0. Null `memory`: none.
Result<uint64_t> run_raw(std::string_view program, const std::string* memory,
                         uint64_t most_insns = 1'000'000'000);

}  // namespace drydock::api
