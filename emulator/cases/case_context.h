// SPDX-License-Identifier: Apache-2.0
// One case while it runs: the kernel, what was loaded, the world and its events. Steps are
// functions of this (steps_*.cc); each gets a Reader of its own object and returns what differed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulator/cases/case_run.h"
#include "emulator/cases/expectations.h"
#include "emulator/cases/values.h"
#include "emulator/events/scene.h"
#include "emulator/loader/object.h"

namespace drydock::cases {

class CaseContext {
 public:
  CaseContext(const Json& json, std::string directory, std::shared_ptr<const Profile> profile,
              const CaseOptions& options);
  ~CaseContext();

  /// Opens the object and arranges the world.
  Status prepare();
  /// One step: `kind` and its object. An error of kind kInternal is a difference, the others mean
  /// what they say.
  Status step(const std::string& kind, const Json& content, const std::string& where);

  // -- For the steps.
  Result<const InspectedProgram*> inspected(const std::string& name);
  /// The program as it was loaded for running; accepted programs only.
  Result<std::shared_ptr<ProgramObject>> loaded(const std::string& name);
  Result<LoadedObject*> object();
  Result<const LoadedObject::LoadedMap*> map(const std::string& name);
  Result<std::vector<uint64_t>> arguments(const Json* list, const std::string& where);
  /// Where a global variable lies: its map's bytes and its size.
  Result<std::pair<std::byte*, uint32_t>> global(const std::string& name);

  Kernel& kernel() { return *kernel_; }
  Scene& scene() { return *scene_; }
  World& world() { return scene_->world(); }
  SocketCalls& sockets() { return scene_->sockets(); }
  TraceEvents& traces() { return scene_->traces(); }
  IteratorEvents& iterators() { return scene_->iterators(); }
  const std::string& cgroup() const { return scene_->cgroup(); }
  Status set_task(const Json& task, const std::string& where);

 private:
  Status open_object();
  Status arrange_maps();
  Status arrange_objects();

  const Json& json_;
  std::string directory_;
  std::shared_ptr<const Profile> profile_;
  const CaseOptions& options_;
  std::unique_ptr<Kernel> kernel_;
  std::unique_ptr<Loader> loader_;
  std::vector<std::byte> elf_;
  std::string file_;
  std::optional<InspectedObject> inspected_;
  std::unique_ptr<LoadedObject> object_;
  std::unique_ptr<Scene> scene_;
  std::map<std::string, uint64_t> named_;  // kernel objects of the case
};

/// What the runs of programs show of themselves: `returns`, `fault`. kUnsupported when a program
/// needed what is not modelled.
Status observe_runs(Json& observed, const std::vector<ProgramRun>& runs);

/// Performs a step and says what was seen (expectations.h compares it). Takes only the fields that
/// say what to do.
using StepFunction = Result<Json> (*)(CaseContext&, Reader&);
struct StepRow {
  std::string_view kind;
  StepFunction run;
};
// The steps, by what they are about; one file each.
std::span<const StepRow> program_steps();
std::span<const StepRow> socket_steps();
std::span<const StepRow> event_steps();
std::span<const StepRow> state_steps();

}  // namespace drydock::cases
