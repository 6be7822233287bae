// SPDX-License-Identifier: Apache-2.0
// Drydock's side of a comparison: the same question, put to the emulated kernel, in the same form
// as a real kernel's answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernel/profile.h"
#include "referee/target.h"
#include "verifier/verify.h"

namespace drydock::referee {

struct OwnOptions {
  unsigned jobs = 1;         // programs verified at a time
  Options verifier;          // log level, capabilities
  bool keep_log = false;     // Answer::log
  std::string only_program;  // "" for every one of an object
};

/// A verdict as an answer; object, program and types are the caller's to fill in.
Answer as_answer(const Verdict& verdict);

/// Every program of each object, objects in the order given, programs in that of the object. An
/// object that cannot be opened is one answer without a program (kNotLoaded).
std::vector<Answer> own_answers(const std::vector<std::string>& objects,
                                const std::shared_ptr<const Profile>& profile,
                                const OwnOptions& options);

/// A path's last part: how answers name objects.
std::string object_name(const std::string& path);

}  // namespace drydock::referee
