// SPDX-License-Identifier: Apache-2.0
#include "referee/compare_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "referee/own_answers.h"
#include "referee/target.h"

namespace drydock::referee {
namespace {

// A line on standard error that is written over, where that is a terminal.
class Progress {
 public:
  Progress(bool wanted, std::string what, size_t total)
      : on_(wanted && isatty(STDERR_FILENO)), what_(std::move(what)), total_(total) {}
  ~Progress() {
    if (on_ && done_) std::fprintf(stderr, "\r\033[K");
  }
  void step(const std::string& name) {
    ++done_;
    if (!on_) return;
    constexpr size_t kBar = 24;
    size_t filled = total_ ? std::min(kBar, kBar * done_ / total_) : kBar;
    std::string bar = std::string(filled, '#') + std::string(kBar - filled, '.');
    std::fprintf(stderr, "\r\033[K%s [%s] %zu %s", what_.c_str(), bar.c_str(), done_,
                 name.substr(0, 40).c_str());
    std::fflush(stderr);
  }

 private:
  bool on_;
  std::string what_;
  size_t total_, done_ = 0;
};

std::string book_path(const CompareSettings& settings, const std::string& kernel,
                      const std::string& suite) {
  return settings.answers + "/" + kernel + "/" + suite + ".tsv";
}

// "vm:6.18" and "stored:6.18" ask the kernel "6.18"; "host" is a profile of its own.
std::string kernel_of(const std::string& target) {
  size_t colon = target.find(':');
  return colon == target.npos ? target : target.substr(colon + 1);
}

// A program that a kernel never finishes must not hold us up either.
constexpr uint64_t kOwnMilliseconds = 10'000;
const std::string kCpus = "Possible CPUs: ";

// What the kernel that gave kept answers had; 0 when they do not say.
uint32_t possible_cpus(const AnswerBook& book) {
  for (const std::string& line : book.provenance)
    if (line.starts_with(kCpus))
      return static_cast<uint32_t>(std::strtoul(line.c_str() + kCpus.size(), nullptr, 10));
  return 0;
}

std::string source_line(const Suite& suite) { return "Compiled of " + suite.source + "."; }

// Kept answers speak of the programs they were asked about: the same sources, where those are
// known.
bool of_same_source(const Suite& suite, const std::vector<std::string>& provenance) {
  return suite.source.empty() ||
         std::ranges::find(provenance, source_line(suite)) != provenance.end();
}

std::vector<Answer> kept_answers(const AnswerBook& book, const std::vector<Answer>& ours) {
  std::vector<Answer> kept;
  for (const Answer& a : ours)
    if (const Answer* answer = book.find(a.object, a.program)) kept.push_back(*answer);
  return kept;
}

Result<std::vector<Answer>> ask(Target& target, const Suite& suite, size_t programs,
                                const CompareSettings& settings) {
  std::vector<Answer> answers;
  Progress line(settings.progress, target.name(), programs);
  AskOptions options;
  if (settings.seconds_each) options.seconds_each = settings.seconds_each;
  Status asked = target.ask(suite.objects, options, [&](Answer a) {
    line.step(a.program);
    answers.push_back(std::move(a));
  });
  if (!asked) return std::unexpected(asked.error());
  return answers;
}

// Writes a file, its folder too.
Status keep(const std::string& path, const std::string& text) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  return write_file(path, as_byte_span(text));
}

Status store(const CompareSettings& settings, const Suite& suite, const Target& target,
             const std::vector<Answer>& answers) {
  std::string kernel = kernel_of(target.name());
  std::string path = book_path(settings, kernel, suite.name);
  AnswerBook book;
  if (!suite.whole)
    if (auto before = AnswerBook::read(path)) book = std::move(*before);
  std::string by = "What " + target.release() + " (" + target.name() +
                   ") says of each program of " + suite.name + ", as root.";
  book.provenance = {by};
  book.provenance.push_back(kCpus + std::to_string(target.possible_cpus()));
  if (!suite.source.empty()) book.provenance.push_back(source_line(suite));
  book.provenance.push_back(
      "object, program, verdict, errno, instructions processed, total states, peak states,");
  book.provenance.push_back("most states an instruction, stack depth, final error line");
  for (Answer a : answers) {
    a.message = comparable(a.message);
    book.add(std::move(a));
  }
  return keep(path, book.text());
}

}  // namespace

void take_shard(Suite* suite, unsigned index, unsigned count) {
  if (count <= 1) return;
  std::vector<std::string> mine;
  for (size_t i = index - 1; i < suite->objects.size(); i += count)
    mine.push_back(suite->objects[i]);
  suite->objects = std::move(mine);
  suite->whole = false;
}

void judge(const Ledger* ledger, Comparison* c) {
  c->wrong.clear();
  if (!c->skipped.empty()) return;
  c->judged = ledger && !c->suite.empty();
  if (c->judged) {
    c->wrong = ledger->judge(c->suite, c->kernel, c->pairs, c->whole);
    return;
  }
  size_t different = 0;
  for (const Pair& p : c->pairs) different += !p.differs.empty();
  if (different) c->wrong.push_back(fmt::format("{} programs differ", different));
}

Result<Comparison> compare_suite(const Suite& suite, const std::string& name,
                                 const CompareSettings& settings) {
  Comparison c{.suite = suite.name,
               .kernel = settings.kernel.empty() ? kernel_of(name) : settings.kernel,
               .whole = suite.whole};
  std::unique_ptr<Target> target;
  if (!name.starts_with("stored:")) {
    auto opened = open_target(name, {.cache = settings.cache,
                                     .progress = settings.progress,
                                     .megabytes = settings.megabytes});
    if (opened) target = std::move(*opened);
    else if (opened.error().kind == ErrorKind::kUsage) return std::unexpected(opened.error());
    else c.skipped = opened.error().message;
  }
  auto profile = Profile::load(c.kernel);
  if (!profile) {
    if (name.starts_with("stored:"))
      return std::unexpected(Error{ErrorKind::kUsage, profile.error().message, 0});
    c.skipped = profile.error().message;
    return c;
  }
  std::string path = book_path(settings, kernel_of(name), suite.name);
  std::optional<AnswerBook> book;
  if (!target) {
    auto read = AnswerBook::read(path);
    if (!read) {
      c.skipped += (c.skipped.empty() ? "" : "; ") + std::string("no stored answers: ") +
                   read.error().message;
      return c;
    }
    book = std::move(*read);
    if (!of_same_source(suite, book->provenance)) {
      c.skipped = path + " is of other sources than " + suite.source;
      return c;
    }
    c.target =
        "stored answers, " + path + (c.skipped.empty() ? "" : " (" + name + ": " + c.skipped + ")");
    c.skipped.clear();
  }
  OwnOptions own{.jobs = settings.jobs};
  own.verifier.limits.wall_clock_ms = kOwnMilliseconds;
  own.verifier.possible_cpus = target ? target->possible_cpus() : possible_cpus(*book);
  std::vector<Answer> ours = own_answers(suite.objects, *profile, own);
  std::vector<Answer> theirs;
  if (target) {
    c.target = target->name() + " (" + target->release() + ")";
    auto asked = ask(*target, suite, ours.size(), settings);
    if (!asked) {
      c.skipped = c.target + ": " + asked.error().message;
      return c;
    }
    theirs = std::move(*asked);
    if (settings.store && !suite.name.empty())
      if (Status stored = store(settings, suite, *target, theirs); !stored)
        return std::unexpected(stored.error());
  } else {
    theirs = kept_answers(*book, ours);
  }
  c.pairs = pair_answers(ours, theirs);
  judge(settings.ledger, &c);
  return c;
}

Result<AnnotationComparison> compare_suite_annotations(const Suite& suite, const std::string& name,
                                                       const CompareSettings& settings) {
  AnnotationComparison c{.suite = suite.name,
                         .kernel = settings.kernel.empty() ? kernel_of(name) : settings.kernel};
  auto profile = Profile::load(c.kernel);
  if (!profile) return std::unexpected(Error{ErrorKind::kUsage, profile.error().message, 0});
  std::string path = book_path(settings, kernel_of(name), suite.name + "-annotations");
  if (!name.starts_with("stored:")) {
    auto target = open_target(name, {.cache = settings.cache,
                                     .progress = settings.progress,
                                     .megabytes = settings.megabytes});
    if (target) {
      c.target = (*target)->name() + " (" + (*target)->release() + ")";
      auto pairs = compare_annotations(suite.objects, **target, *profile);
      if (!pairs) return std::unexpected(pairs.error());
      c.pairs = std::move(*pairs);
      if (!settings.store || suite.name.empty()) return c;
      std::string text = annotations_text(
          c.pairs,
          {"Whether " + c.target + " meets the annotations of each program of " + suite.name + ".",
           source_line(suite)});
      if (Status written = keep(path, text); !written) return std::unexpected(written.error());
      return c;
    }
    if (target.error().kind == ErrorKind::kUsage) return std::unexpected(target.error());
    c.skipped = target.error().message;
  }
  auto kept = read_text_file(path);
  if (!kept) {
    c.skipped +=
        (c.skipped.empty() ? "" : "; ") + std::string("no stored answers: ") + kept.error().message;
    return c;
  }
  if (!suite.source.empty() && kept->find("# " + source_line(suite) + "\n") == kept->npos) {
    c.skipped = path + " is of other sources than " + suite.source;
    return c;
  }
  c.target =
      "stored answers, " + path + (c.skipped.empty() ? "" : " (" + name + ": " + c.skipped + ")");
  c.skipped.clear();
  auto pairs = compare_annotations(suite.objects, *kept, path, *profile);
  if (!pairs) return std::unexpected(pairs.error());
  c.pairs = std::move(*pairs);
  return c;
}

std::string to_text(const AnnotationComparison& c, size_t most) {
  std::string heading =
      "annotations of " + (c.suite.empty() ? std::string("objects") : c.suite) + " on " + c.kernel;
  if (!c.skipped.empty()) return heading + ": skipped: " + c.skipped + "\n";
  AnnotationSummary s = summarise(c.pairs);
  double share = s.kernel_meets ? 100.0 * static_cast<double>(s.both_meet) /
                                      static_cast<double>(s.kernel_meets)
                                : 100;
  std::string out = fmt::format(
      "{}: {}\n  {} cases, {} skipped; the kernel meets {}, Drydock {} of them ({:.2f} %), and {} "
      "that it does not\n",
      heading, c.target, s.cases, s.skipped, s.kernel_meets, s.both_meet, share, s.ours_only);
  out += fmt::format("  {} runs return what is expected on the kernel, {} of them on Drydock\n",
                     s.runs, s.equal_runs);
  size_t shown = 0;
  for (const AnnotatedPair& p : c.pairs)
    if (p.skipped.empty() && p.theirs.empty() && !p.ours.empty() && shown++ < most)
      out += fmt::format("  {}:{}: {}\n", p.object, p.name, p.ours);
  return out;
}

}  // namespace drydock::referee
