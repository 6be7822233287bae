// SPDX-License-Identifier: Apache-2.0
#include "referee/annotation_compare.h"

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/file.h"
#include "emulator/cases/annotated_run.h"
#include "referee/own_answers.h"

namespace drydock::referee {
namespace {

// A pair and what is needed to ask the kernel about it.
struct Asked {
  AnnotatedPair pair;
  AnnotatedCase annotated;
  std::string path;
};

// Every case of the objects, with our side of it.
Result<std::vector<Asked>> own_side(const std::vector<std::string>& objects,
                                    const std::shared_ptr<const Profile>& profile) {
  std::vector<Asked> all;
  for (const std::string& path : objects) {
    auto elf = read_file(path);
    if (!elf) return std::unexpected(elf.error());
    auto cases = annotated_cases(*elf, path);
    if (!cases) return std::unexpected(cases.error());
    for (AnnotatedCase& c : *cases) {
      Asked asked{.pair = {.object = object_name(path), .name = c.name()}, .path = path};
      CaseOutcome outcome = run_annotated(c, *elf, path, profile);
      if (outcome.kind == CaseOutcome::Kind::kUnsupported && outcome.steps_run == 0)
        asked.pair.skipped = asked.pair.ours = outcome.message;
      else if (outcome.kind == CaseOutcome::Kind::kFailed || outcome.kind == CaseOutcome::Kind::kMalformed)
        asked.pair.ours = outcome.message;
      asked.annotated = std::move(c);
      all.push_back(std::move(asked));
    }
  }
  return all;
}

Question question_of(const Asked& a) {
  return {a.path, {.log_level = a.annotated.log_level ? a.annotated.log_level : 1, .keep_log = true,
                   .only_program = a.annotated.program, .fix_ups = false,
                   .unprivileged = a.annotated.unprivileged, .program_flags = a.annotated.flags}};
}

void judge(const Answer& answer, Asked* asked) {
  AnnotatedPair& pair = asked->pair;
  const AnnotatedCase& c = asked->annotated;
  bool loaded = answer.kind == Answer::Kind::kAccepted;
  if (answer.kind == Answer::Kind::kTimedOut || answer.kind == Answer::Kind::kCrashed)
    pair.skipped = "the kernel did not survive it";
  else if (answer.kind == Answer::Kind::kNotLoaded)
    pair.skipped = "stopped before the program there: " + answer.message;
  else if (!loaded && answer.err == EPERM && answer.log.empty())
    pair.skipped = "that kernel does not let us load such programs (EPERM)";
  else
    pair.theirs = judge_load(c.expected, loaded, loaded && !c.log_level ? "" : answer.log);
}

std::vector<AnnotatedPair> pairs_of(std::vector<Asked> all) {
  std::vector<AnnotatedPair> pairs;
  for (Asked& a : all) pairs.push_back(std::move(a.pair));
  return pairs;
}

}  // namespace

AnnotationSummary summarise(const std::vector<AnnotatedPair>& pairs) {
  AnnotationSummary s;
  for (const AnnotatedPair& p : pairs) {
    ++s.cases;
    if (!p.skipped.empty()) {
      ++s.skipped;
    } else if (p.theirs.empty()) {
      ++s.kernel_meets;
      s.both_meet += p.ours.empty();
    } else {
      s.ours_only += p.ours.empty();
    }
  }
  return s;
}

Result<std::vector<AnnotatedPair>> compare_annotations(const std::vector<std::string>& objects, Target& target,
                                                       const std::shared_ptr<const Profile>& profile) {
  auto all = own_side(objects, profile);
  if (!all) return std::unexpected(all.error());
  std::vector<Question> questions;
  std::vector<Asked*> asked;
  for (Asked& a : *all) {
    if (!a.pair.skipped.empty()) continue;
    questions.push_back(question_of(a));
    asked.push_back(&a);
  }
  // One answer a question, in their order, since each names its program.
  size_t next = 0;
  Status status = target.ask(questions, [&](Answer answer) {
    if (next < asked.size()) judge(answer, asked[next++]);
  });
  if (!status) return std::unexpected(status.error());
  for (; next < asked.size(); ++next) asked[next]->pair.skipped = "the kernel was not asked";
  return pairs_of(std::move(*all));
}

std::string annotations_text(const std::vector<AnnotatedPair>& pairs, const std::vector<std::string>& provenance) {
  std::vector<std::string> lines;
  for (const AnnotatedPair& p : pairs) {
    std::string why = p.skipped.empty() ? p.theirs : p.skipped;
    std::ranges::replace_if(why, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, ' ');
    const char* word = !p.skipped.empty() ? "skipped" : p.theirs.empty() ? "met" : "unmet";
    lines.push_back(p.object + "\t" + p.name + "\t" + word + "\t" + why);
  }
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : provenance) text += "# " + line + "\n";
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Result<std::vector<AnnotatedPair>> compare_annotations(const std::vector<std::string>& objects,
                                                       std::string_view kept, const std::string& what,
                                                       const std::shared_ptr<const Profile>& profile) {
  struct Kept {
    std::string word, why;
  };
  std::map<std::pair<std::string, std::string>, Kept> by_name;
  for (size_t number = 1; !kept.empty(); ++number) {
    size_t end = std::min(kept.find('\n'), kept.size());
    std::string_view line = kept.substr(0, end);
    kept.remove_prefix(std::min(end + 1, kept.size()));
    if (line.empty() || line.starts_with('#')) continue;
    size_t a = line.find('\t'), b = line.find('\t', a + 1), c = line.find('\t', b + 1);
    if (a == line.npos || b == line.npos || c == line.npos)
      return malformed(what + ":" + std::to_string(number) + ": not a line of kept annotations");
    by_name[{std::string(line.substr(0, a)), std::string(line.substr(a + 1, b - a - 1))}] =
        {std::string(line.substr(b + 1, c - b - 1)), std::string(line.substr(c + 1))};
  }
  auto all = own_side(objects, profile);
  if (!all) return std::unexpected(all.error());
  for (Asked& a : *all) {
    if (!a.pair.skipped.empty()) continue;
    auto found = by_name.find({a.pair.object, a.pair.name});
    if (found == by_name.end()) a.pair.skipped = "the kernel was not asked";
    else if (found->second.word == "skipped") a.pair.skipped = found->second.why;
    else a.pair.theirs = found->second.word == "met" ? "" : found->second.why;
  }
  return pairs_of(std::move(*all));
}

}  // namespace drydock::referee
