// SPDX-License-Identifier: Apache-2.0
#include "referee/annotation_compare.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
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
      if (c.expected.success && c.expected.retval)
        asked.pair.expected_retval = static_cast<uint32_t>(*c.expected.retval);
      auto unmet = unmet_by_load(c, *elf, path, profile);
      if (unmet) asked.pair.ours = *unmet;
      else asked.pair.ours = unmet.error().message;
      if (!unmet && unmet.error().kind == ErrorKind::kUnsupported)
        asked.pair.skipped = asked.pair.ours;
      if (asked.pair.expected_retval)
        if (auto returned = run_once(c, *elf, path, profile)) asked.pair.our_retval = *returned;
      asked.annotated = std::move(c);
      all.push_back(std::move(asked));
    }
  }
  return all;
}

Question question_of(const Asked& a, bool may_run) {
  return {a.path,
          {.log_level = a.annotated.log_level ? a.annotated.log_level : 1,
           .keep_log = true,
           .only_program = a.annotated.program,
           .fix_ups = false,
           .unprivileged = a.annotated.unprivileged,
           .program_flags = a.annotated.flags,
           .run_once = may_run && a.annotated.expected.success && a.annotated.expected.retval}};
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
  else pair.theirs = judge_load(c.expected, loaded, loaded && !c.log_level ? "" : answer.log);
  pair.their_retval = answer.retval;
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
    if (!p.expected_retval || p.their_retval != p.expected_retval) continue;
    ++s.runs;
    s.equal_runs += p.our_retval == p.expected_retval;
  }
  return s;
}

Result<std::vector<AnnotatedPair>> compare_annotations(
    const std::vector<std::string>& objects, Target& target,
    const std::shared_ptr<const Profile>& profile) {
  auto all = own_side(objects, profile);
  if (!all) return std::unexpected(all.error());
  std::vector<Question> questions;
  std::vector<Asked*> asked;
  for (Asked& a : *all) {
    if (!a.pair.skipped.empty()) continue;
    questions.push_back(question_of(a, target.name() != "host"));
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

std::string annotations_text(const std::vector<AnnotatedPair>& pairs,
                             const std::vector<std::string>& provenance) {
  std::vector<std::string> lines;
  for (const AnnotatedPair& p : pairs) {
    std::string why = p.skipped.empty() ? p.theirs : p.skipped;
    std::ranges::replace_if(why, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, ' ');
    const char* word = !p.skipped.empty() ? "skipped" : p.theirs.empty() ? "met" : "unmet";
    std::string returned = p.their_retval ? std::to_string(*p.their_retval) : "-";
    lines.push_back(p.object + "\t" + p.name + "\t" + word + "\t" + returned + "\t" + why);
  }
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : provenance) text += "# " + line + "\n";
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Result<std::vector<AnnotatedPair>> compare_annotations(
    const std::vector<std::string>& objects, std::string_view kept, const std::string& what,
    const std::shared_ptr<const Profile>& profile) {
  struct Kept {
    std::string_view word, returned, why;
  };
  std::map<std::pair<std::string, std::string>, Kept> by_name;
  for (size_t number = 1; !kept.empty(); ++number) {
    size_t end = std::min(kept.find('\n'), kept.size());
    std::string_view line = kept.substr(0, end);
    kept.remove_prefix(std::min(end + 1, kept.size()));
    if (line.empty() || line.starts_with('#')) continue;
    std::array<std::string_view, 5> fields;
    for (size_t i = 0; i < fields.size(); ++i) {
      size_t tab = std::min(line.find('\t'), line.size());
      if (tab == line.size() && i + 1 < fields.size())
        return malformed(what + ":" + std::to_string(number) + ": not a line of kept annotations");
      fields[i] = i + 1 < fields.size() ? line.substr(0, tab) : line;
      line.remove_prefix(std::min(tab + 1, line.size()));
    }
    by_name[{std::string(fields[0]), std::string(fields[1])}] = {fields[2], fields[3], fields[4]};
  }
  auto all = own_side(objects, profile);
  if (!all) return std::unexpected(all.error());
  for (Asked& a : *all) {
    if (!a.pair.skipped.empty()) continue;
    auto found = by_name.find({a.pair.object, a.pair.name});
    if (found == by_name.end()) a.pair.skipped = "the kernel was not asked";
    else if (found->second.word == "skipped") a.pair.skipped = found->second.why;
    else if (found->second.word != "met") a.pair.theirs = found->second.why;
    if (found == by_name.end()) continue;
    uint32_t value = 0;
    std::string_view returned = found->second.returned;
    if (std::from_chars(returned.data(), returned.data() + returned.size(), value).ec ==
        std::errc{})
      a.pair.their_retval = value;
  }
  return pairs_of(std::move(*all));
}

}  // namespace drydock::referee
