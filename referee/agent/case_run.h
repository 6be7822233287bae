// SPDX-License-Identifier: Apache-2.0
// Performs a case's steps on the kernel underneath, as far as a real kernel lets its world be
// chosen: loading, attaching, system calls on sockets, maps, globals, output. What was seen of each
// step has the form of docs/cases.md; a step that cannot be performed says why, and where later
// steps depend on what it would have done, they are not performed either.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "emulator/cases/json_reader.h"
#include "referee/agent/case_world.h"
#include "referee/agent/return_watch.h"

struct bpf_object;
struct bpf_program;
struct bpf_map;
struct bpf_link;

namespace drydock::agent {

using cases::Json;
using cases::Reader;

class CaseRun {
 public:
  CaseRun(const Json& json, std::string object_path);
  ~CaseRun();
  CaseRun(const CaseRun&) = delete;
  CaseRun& operator=(const CaseRun&) = delete;

  /// {"skipped": why} for a case that this kernel cannot perform, else {"steps": [...]}.
  Json perform();

  // -- For the steps. kUnsupported is what becomes "skipped".
  struct Global {
    std::byte* data;
    size_t size;
  };
  Result<bpf_program*> program(const std::string& name);
  Result<bpf_map*> map(const std::string& name);
  Result<Global> global(const std::string& name);
  Status set_task(const Json& task, const std::string& where);
  const std::string& object_path() const { return path_; }
  CaseWorld& world() { return world_; }
  std::map<std::string, int>& sockets() { return sockets_; }
  void keep(bpf_link* link) { links_.push_back(link); }
  /// The program can run from now on: what it returns is to be seen.
  void watch(bpf_program* program);
  /// Makes the call that the step is about: what programs return meanwhile is the step's `returns`.
  template <class Call>
  auto fire(Call call) {
    returns_.take();
    auto result = call();
    returned_ = returns_.take();
    return result;
  }
  /// Removed at the end.
  void keep_file(const std::string& path) { files_.push_back(path); }
  /// What the case says of the object of that name; null when it names none.
  Json object(const std::string& name) const;
  const std::string& cgroup() const { return cgroup_; }
  /// What programs printed since the case began.
  Result<std::string> printed();

 private:
  Status prepare();
  Status load_object();
  Status fill_maps();
  void mark_trace();
  Json entry_of(const Result<Json>& seen);

  const Json& json_;
  std::string path_;
  CaseWorld world_;
  bpf_object* object_ = nullptr;
  std::vector<bpf_link*> links_;
  std::map<std::string, int> sockets_;
  std::string mark_;
  std::string cgroup_ = "/";  // of the current task
  std::vector<std::string> files_;
  ReturnWatch returns_;
  std::optional<std::vector<int32_t>> returned_;  // in the current step; nullopt when none fired
};

/// What a step does; errors of kind kUnsupported say why it is not performed.
using StepFunction = Result<Json> (*)(CaseRun&, Reader&);
struct StepRow {
  std::string_view kind;
  StepFunction run;
  bool later_steps_depend = false;  // when it is skipped
};
std::span<const StepRow> object_steps();
std::span<const StepRow> socket_steps();
std::span<const StepRow> hook_steps();

}  // namespace drydock::agent
