// SPDX-License-Identifier: Apache-2.0
// Where programs to verify come from: those of objects, changed at random, and generated ones. A
// seed is a program: pool.program(seed) is the same for the same objects on the same profile.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "emulator/loader/object.h"

namespace drydock::fuzz {

class ProgramPool {
 public:
  /// `capabilities`: of whoever makes the maps, which remember what their maker might do.
  explicit ProgramPool(std::shared_ptr<const Profile> profile, Capabilities capabilities = {});
  ~ProgramPool();

  /// Every program of an object that verifies within `most_insns` processed instructions, so that
  /// runs are not spent on a few large ones. How many there were.
  Result<size_t> add_object(const std::string& path, uint64_t most_insns);
  size_t size() const { return programs_.size(); }

  struct Case {
    std::shared_ptr<ProgramObject> program;
    std::string origin;  // "loop1.bpf.o:nested_loops", "arithmetic", "memory"
    size_t kernel = 0;   // index of the one whose maps it uses
  };
  Case program(uint64_t seed) const;

  /// A kernel with a case's maps as they are when its object was just loaded, and the case with
  /// those maps. No program when the object does not load again as it did.
  struct Room {
    std::unique_ptr<Kernel> kernel;
    InspectedObject object;  // keeps the maps
    std::shared_ptr<ProgramObject> program;
  };
  Room room_for(const Case& made) const;

  const Profile& profile() const { return *profile_; }

 private:
  struct Source {
    std::shared_ptr<ProgramObject> program;
    std::string name;
    size_t kernel;
  };
  /// A kernel and the object that it was made for; generated programs have one without.
  struct Home {
    std::unique_ptr<Kernel> kernel;
    std::string path;
  };
  Case generated(uint64_t seed, bool memory) const;
  std::shared_ptr<ProgramObject> blank() const;

  std::unique_ptr<Kernel> new_kernel() const;

  std::shared_ptr<const Profile> profile_;
  Capabilities capabilities_;
  std::vector<Home> homes_;
  std::vector<Source> programs_;
  std::shared_ptr<ResolvedFds> maps_;  // of generated programs
  int array_ = -1, hash_ = -1;
};

/// A program object of its own with the same contents.
std::shared_ptr<ProgramObject> copy_of(const ProgramObject& program);

}  // namespace drydock::fuzz
