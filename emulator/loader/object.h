// SPDX-License-Identifier: Apache-2.0
// ELF objects against an emulated kernel, through libbpf.
//
// Two uses. inspect() is for `verify`: every program of the object on its own, as veristat takes
// them, also those that are not loaded automatically; each comes out as the program that libbpf
// would hand to the kernel, not verified yet, so that verification can go on elsewhere and in
// parallel. load() is for running: the object is loaded as a user would load it, with descriptors,
// maps and initial values.
//
// veristat's fix-ups, which are part of what its figures mean: pin paths are dropped; a map without
// max_entries gets 1 (storage maps excepted); a freplace program without a target is taken for the
// program type that its context argument suggests; a struct_ops map keeps only the program in
// question.
//
// An object or program that libbpf cannot bring to the kernel is `malformed`, with libbpf's words.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "emulator/loader/seam.h"
#include "emulator/syscall/kernel.h"

struct bpf_object;

namespace drydock {

/// A program of an object, as libbpf would load it.
struct InspectedProgram {
  std::string name, section;
  ProgramType type{};
  AttachType attach_type{};
  bool autoload = true;                    // as the object asks
  std::shared_ptr<ProgramObject> program;  // null when libbpf failed; then:
  Error error;                             // malformed, with libbpf's line
  int refused = 0;                         // errno of a kernel that refused it unverified
  std::vector<std::string> messages;       // everything libbpf said about it
};

struct InspectedObject {
  std::vector<InspectedProgram> programs;  // in the order of the object
  std::vector<std::string> messages;       // libbpf's, on opening
};

struct InspectOptions {
  bool fix_ups = true;             // veristat's
  bool unprivileged_maps = false;  // only the maps that a loader without capabilities may create
};

struct MapOverride {
  std::string name;
  std::optional<uint32_t> max_entries;
};

struct LoadOptions {
  std::vector<std::string> programs;  // those to load; empty: those that load automatically
  std::vector<MapOverride> maps;
  bool fix_ups = true;  // maps without max_entries
  uint32_t log_level = 0;
  uint32_t program_flags = 0;  // prog_flags, beside those of the object
};

/// An object that was loaded. Its descriptors are open while it lives.
class LoadedObject {
 public:
  struct Program {
    std::string name, section;
    int fd = -1;  // -1: not loaded
    std::shared_ptr<ProgramObject> object;
  };
  struct LoadedMap {
    std::string name;         // in the source, ".rodata" and so on for sections
    std::string kernel_name;  // as the kernel has it
    int fd = -1;
    std::shared_ptr<MapObject> object;
  };

  ~LoadedObject();
  LoadedObject(const LoadedObject&) = delete;
  LoadedObject& operator=(const LoadedObject&) = delete;

  const std::vector<Program>& programs() const { return programs_; }
  const std::vector<LoadedMap>& maps() const { return maps_; }
  const Program* program(std::string_view name) const;
  const LoadedMap* map(std::string_view name) const;
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  friend class Loader;
  LoadedObject(Kernel& kernel, ProfileFiles& files) : kernel_(kernel), files_(files) {}
  Kernel& kernel_;
  ProfileFiles& files_;
  bpf_object* object_ = nullptr;
  std::vector<Program> programs_;
  std::vector<LoadedMap> maps_;
  std::vector<std::string> messages_;
};

/// Loads objects into one kernel; the kernel outlives it and what it loaded.
class Loader {
 public:
  explicit Loader(Kernel& kernel);
  ~Loader();

  /// `file` names the object in messages and gives maps their names.
  Result<InspectedObject> inspect(std::span<const std::byte> elf, const std::string& file,
                                  const InspectOptions& options = {});
  Result<std::unique_ptr<LoadedObject>> load(
      std::span<const std::byte> elf, const std::string& file, const LoadOptions& options = {});

  Kernel& kernel() { return kernel_; }
  ProfileFiles& files() { return files_; }

 private:
  class Pass;
  Kernel& kernel_;
  ProfileFiles files_;
};

/// A program without an object: raw instructions, with what BPF_PROG_LOAD needs to know.
struct RawProgram {
  std::vector<isa::Insn> insns;
  ProgramType type = ProgramType::kSocketFilter;
  AttachType attach_type{};
  std::string name = "raw", license = "GPL";
  uint32_t flags = 0;
  std::string attach_function;  // by name in the kernel's BTF; "" for none
};
/// Hands it to the kernel as it is; not verified yet.
Result<std::shared_ptr<ProgramObject>> load_raw(Kernel& kernel, const RawProgram& program);

}  // namespace drydock
