// SPDX-License-Identifier: Apache-2.0
#include "referee/own_answers.h"

#include <atomic>
#include <thread>

#include "base/file.h"
#include "emulator/loader/object.h"

namespace drydock::referee {
namespace {

std::string stack_text(const std::vector<uint32_t>& depths) {
  std::string text;
  for (uint32_t depth : depths) text += (text.empty() ? "" : "+") + std::to_string(depth);
  return text;
}

// One object's programs through libbpf, verified.
std::vector<Answer> answers_of(const std::string& path,
                               const std::shared_ptr<const Profile>& profile,
                               const OwnOptions& options) {
  Answer whole{.object = object_name(path)};
  auto bytes = read_file(path);
  if (!bytes) {
    whole.message = bytes.error().message;
    return {whole};
  }
  Kernel::Settings settings{.verifier = verify};
  settings.capabilities = options.verifier.capabilities;
  Kernel kernel(profile, std::move(settings));
  Loader loader(kernel);
  auto object = loader.inspect(*bytes, path);
  if (!object) {
    whole.message = object.error().message;
    return {whole};
  }
  std::vector<Answer> answers;
  for (const InspectedProgram& p : object->programs) {
    if (!options.only_program.empty() && p.name != options.only_program) continue;
    Answer a;
    if (p.program) {
      Verdict verdict = kernel.verify(*p.program, options.verifier);
      a = as_answer(verdict);
      if (options.keep_log) a.log = std::move(verdict.log);
    } else if (p.refused) {
      a.kind = Answer::Kind::kRejected;
      a.err = p.refused;
    } else {
      a.kind = p.error.kind == ErrorKind::kUnsupported ? Answer::Kind::kUnsupported
                                                       : Answer::Kind::kNotLoaded;
      a.err = p.error.err;
      a.message = p.error.message;
    }
    a.object = whole.object;
    a.program = p.name;
    a.program_type = name_of(p.type);
    a.attach_type = name_of(p.attach_type);
    answers.push_back(std::move(a));
  }
  return answers;
}

}  // namespace

std::string object_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Answer as_answer(const Verdict& v) {
  Answer a;
  switch (v.kind) {
    case VerdictKind::kAccepted: a.kind = Answer::Kind::kAccepted; break;
    case VerdictKind::kRejected: a.kind = Answer::Kind::kRejected; break;
    case VerdictKind::kMalformed: a.kind = Answer::Kind::kNotLoaded; break;
    case VerdictKind::kUnsupported: a.kind = Answer::Kind::kUnsupported; break;
    case VerdictKind::kInternalError: a.kind = Answer::Kind::kInternalError; break;
  }
  a.err = v.err;
  a.message = v.message;
  a.insns_processed = v.statistics.insns_processed;
  a.total_states = v.statistics.total_states;
  a.peak_states = v.statistics.peak_states;
  a.max_states_per_insn = v.statistics.max_states_per_insn;
  a.stack_depth = stack_text(v.statistics.stack_depths);
  a.duration_us = v.statistics.duration_ns / 1000;
  a.verifier_spoke = a.kind == Answer::Kind::kAccepted || a.insns_processed != 0;
  return a;
}

std::vector<Answer> own_answers(const std::vector<std::string>& objects,
                                const std::shared_ptr<const Profile>& profile,
                                const OwnOptions& options) {
  std::vector<std::vector<Answer>> found(objects.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < objects.size();)
      found[i] = answers_of(objects[i], profile, options);
  };
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < options.jobs && i < objects.size(); ++i) pool.emplace_back(work);
  work();
  for (std::thread& thread : pool) thread.join();
  std::vector<Answer> all;
  for (std::vector<Answer>& answers : found)
    for (Answer& a : answers) all.push_back(std::move(a));
  return all;
}

}  // namespace drydock::referee
