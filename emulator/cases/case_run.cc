// SPDX-License-Identifier: Apache-2.0
#include "emulator/cases/case_run.h"

#include <set>

#include "base/file.h"
#include "emulator/cases/case_context.h"
#include "emulator/cases/expectations.h"

namespace drydock {

using cases::Json;

Result<CaseFile> CaseFile::read(const std::string& path) {
  auto text = read_text_file(path);
  if (!text) return std::unexpected(text.error());
  auto json = cases::parse_json(*text, path);
  if (!json) return std::unexpected(json.error());
  if (!json->is_object()) return malformed(path + ": a case is an object");
  CaseFile file;
  file.path_ = path;
  size_t slash = path.rfind('/');
  file.name_ = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (auto name = json->find("name"); name != json->end() && name->is_string())
    file.name_ = name->get<std::string>();
  if (auto kernels = json->find("kernels"); kernels != json->end()) {
    if (!kernels->is_array()) return malformed(path + ": kernels is no list");
    for (const Json& kernel : *kernels) {
      if (!kernel.is_string()) return malformed(path + ": kernels holds what is no name");
      file.kernels_.push_back(kernel.get<std::string>());
    }
  }
  file.json_ = std::move(*json);
  return file;
}

namespace {

CaseOutcome outcome_of(const Error& error, std::string step, size_t steps_run) {
  CaseOutcome::Kind kind = error.kind == ErrorKind::kInternal      ? CaseOutcome::Kind::kFailed
                           : error.kind == ErrorKind::kUnsupported ? CaseOutcome::Kind::kUnsupported
                                                                   : CaseOutcome::Kind::kMalformed;
  return {kind, error.message, std::move(step), steps_run};
}

}  // namespace

CaseOutcome CaseFile::run(const std::shared_ptr<const Profile>& profile,
                          const CaseOptions& options) const {
  size_t slash = path_.rfind('/');
  std::string directory = slash == std::string::npos ? "." : path_.substr(0, slash);
  cases::CaseContext context(json_, directory, profile, options);
  if (auto ready = context.prepare(); !ready) return outcome_of(ready.error(), "", 0);
  auto steps = json_.find("steps");
  if (steps == json_.end() || !steps->is_array() || steps->empty())
    return {CaseOutcome::Kind::kMalformed, path_ + ": a case has a list of steps", "", 0};
  size_t done = 0;
  for (const Json& step : *steps) {
    std::string where = "steps[" + std::to_string(done) + "]";
    if (!step.is_object() || step.size() != 1)
      return {CaseOutcome::Kind::kMalformed, where + " is no object of one field", where, done};
    const auto stated = step.begin();
    const std::string& kind = stated.key();
    where += "." + kind;
    if (auto ok = context.step(kind, stated.value(), where); !ok)
      return outcome_of(ok.error(), where, done);
    ++done;
  }
  return {CaseOutcome::Kind::kPassed, "", "", done};
}

namespace {

// Steps that arrange what others then show: a case of which nothing else was performed showed
// nothing.
const std::set<std::string_view> kArrangements = {"load", "attach", "detach",
                                                  "task", "cpu",    "advance"};

}  // namespace

CaseOutcome CaseFile::check(const Json& seen, std::vector<std::string>* not_compared) const {
  auto steps = json_.find("steps");
  if (steps == json_.end() || !steps->is_array() || !seen.is_array() ||
      steps->size() != seen.size())
    return {CaseOutcome::Kind::kMalformed, path_ + ": there are not as many observations as steps",
            "", 0};
  size_t done = 0, compared = 0;
  std::string reason;
  for (const Json& step : *steps) {
    const auto stated = step.begin();
    const std::string& kind = stated.key();
    std::string where = "steps[" + std::to_string(done) + "]." + kind;
    const Json& entry = seen[done++];
    if (entry.contains("failed"))
      return {CaseOutcome::Kind::kFailed, where + ": " + entry["failed"].get<std::string>(), where,
              done};
    if (!entry.contains("observed")) {
      std::string why = entry.value("skipped", "not performed");
      if (reason.empty()) reason = where + ": " + why;
      not_compared->push_back(where + ": " + why);
      continue;
    }
    cases::Reader reader(stated.value(), where);
    auto unseen = cases::check_observation(kind, reader, entry["observed"]);
    if (!unseen) return outcome_of(unseen.error(), where, done);
    Json reasons = entry.value("unseen", Json::object());
    for (const std::string& field : *unseen) {
      std::string why = reasons.is_object() ? reasons.value(field, "") : "";
      not_compared->push_back(where + "." + field + ": not seen" + (why.empty() ? "" : ": " + why));
    }
    if (!kArrangements.contains(kind)) ++compared;
  }
  if (compared == 0 && !reason.empty()) return {CaseOutcome::Kind::kUnsupported, reason, "", done};
  return {CaseOutcome::Kind::kPassed, "", "", done};
}

}  // namespace drydock
