// SPDX-License-Identifier: Apache-2.0
#include "cli/verify_report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/exit_status.h"
#include "drydock/version.h"

namespace drydock::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kNoInsn = ~0u;

struct VerdictWords {
  VerdictKind kind;
  std::string_view colour;
  int status;
  std::string_view name = name_of(kind);
};
constexpr VerdictWords kWords[] = {
    {VerdictKind::kAccepted, "\033[32m", kGood},
    {VerdictKind::kRejected, "\033[31m", kRejected},
    {VerdictKind::kMalformed, "\033[31m", kRejected},
    {VerdictKind::kUnsupported, "\033[33m", kUnsupported},
    {VerdictKind::kInternalError, "\033[35m", kInternalError},
};

const VerdictWords& words_of(VerdictKind kind) {
  for (const VerdictWords& words : kWords)
    if (words.kind == kind) return words;
  return kWords[4];
}

uint32_t stack_depth(const api::Verdict& v) {
  return std::accumulate(v.statistics.stack_depths.begin(), v.statistics.stack_depths.end(), 0u);
}

/// Text that may hold anything: JSON strings are UTF-8.
Json json_text(const std::string& text) {
  std::string clean;
  for (unsigned char c : text) clean += c < 0x80 ? static_cast<char>(c) : '?';
  return clean;
}

Json diagnostic_json(const api::Verdict& v) {
  if (!v.diagnostic) return nullptr;
  const Diagnostic& d = *v.diagnostic;
  Json j;
  j["insn"] = d.insn == kNoInsn ? Json(nullptr) : Json(d.insn);
  j["insn_text"] = d.insn_text;
  j["message"] = json_text(d.message);
  j["lines"] = Json::array();
  for (const std::string& line : d.lines) j["lines"].push_back(json_text(line));
  j["file"] = d.file;
  j["line"] = d.line;
  j["column"] = d.column;
  j["source"] = json_text(d.source);
  j["registers"] = Json::object();
  for (const auto& [name, value] : d.registers) j["registers"][name] = json_text(value);
  j["path"] = d.path;
  j["hint"] = d.hint;
  return j;
}

Json program_json(const ProgramReport& p) {
  const api::Verdict& v = p.verdict;
  const Statistics& s = v.statistics;
  return {{"name", p.name},
          {"section", p.section},
          {"type", p.type},
          {"attach_type", p.attach_type},
          {"verdict", words_of(v.kind).name},
          {"errno", v.err},
          {"message", json_text(v.message)},
          {"insns", p.insns},
          {"insns_processed", s.insns_processed},
          {"total_states", s.total_states},
          {"peak_states", s.peak_states},
          {"max_states_per_insn", s.max_states_per_insn},
          {"stack_depth", stack_depth(v)},
          {"duration_us", s.duration_ns / 1000},
          {"diagnostic", diagnostic_json(v)}};
}

class Painter {
 public:
  explicit Painter(bool on) : on_(on) {}
  std::string operator()(std::string_view colour, std::string_view text) const {
    return on_ ? fmt::format("{}{}\033[0m", colour, text) : std::string(text);
  }

 private:
  bool on_;
};
constexpr std::string_view kBold = "\033[1m", kBlue = "\033[34m", kDim = "\033[2m";

void append_diagnostic(std::string& out, const api::Verdict& v, const Painter& paint) {
  const Diagnostic& d = *v.diagnostic;
  std::string margin = d.line ? std::to_string(d.line) : "";
  std::string pad(margin.size(), ' ');
  if (!d.file.empty()) {
    out += fmt::format(" {}{} {}:{}:{}\n", pad, paint(kBlue, "-->"), d.file, d.line, d.column);
    out += fmt::format(" {} {}\n", pad, paint(kBlue, "|"));
    out += fmt::format(" {} {} {}\n", paint(kBlue, margin), paint(kBlue, "|"), d.source);
  }
  if (d.insn != kNoInsn)
    out += fmt::format(" {} {} insn {}: {}\n", pad, paint(kBlue, "|"), d.insn, d.insn_text);
  for (const auto& [name, value] : d.registers)
    out += fmt::format(" {} {}   {} = {}\n", pad, paint(kBlue, "|"), name, value);
  if (d.lines.size() > 1)
    for (const std::string& line : d.lines)
      out += fmt::format(" {} {} kernel: {}\n", pad, paint(kBlue, "="), line);
  if (!d.hint.empty()) out += fmt::format(" {} {} help: {}\n", pad, paint(kBlue, "="), d.hint);
}

void append_program(std::string& out, const ObjectReport& object, const ProgramReport& p,
                    const Painter& paint, bool quiet) {
  const api::Verdict& v = p.verdict;
  const VerdictWords& words = words_of(v.kind);
  if (quiet && v.kind == VerdictKind::kAccepted) return;
  out += fmt::format("{}: {} {} [{}]", object.file, paint(words.colour, words.name),
                     paint(kBold, p.name), p.section);
  if (v.kind == VerdictKind::kAccepted) {
    const Statistics& s = v.statistics;
    out += paint(kDim, fmt::format(" {} insns, {} processed, {} states, stack {}", p.insns,
                                   s.insns_processed, s.total_states, stack_depth(v)));
  } else if (v.kind == VerdictKind::kRejected) {
    out += fmt::format(" (errno {}: {})", v.err, std::strerror(v.err));
  }
  out += '\n';
  if (v.kind == VerdictKind::kAccepted) return;
  out += fmt::format("{}: {}\n", paint(words.colour, "error"),
                     v.message.empty() ? "the kernel gives no message" : v.message);
  if (v.diagnostic) append_diagnostic(out, v, paint);
}

}  // namespace

int exit_status_of(const VerifyReport& report) {
  int status = kGood;
  for (const ObjectReport& object : report.objects) {
    if (object.error) status = worse(status, kRejected);
    for (const ProgramReport& p : object.programs)
      status = worse(status, words_of(p.verdict.kind).status);
  }
  return status;
}

Json to_json(const VerifyReport& report) {
  Json doc = {{"schema", 1}, {"drydock", kVersion}, {"kernel", report.kernel}};
  doc["objects"] = Json::array();
  for (const ObjectReport& object : report.objects) {
    Json o = {{"file", object.file},
              {"error", object.error ? json_text(*object.error) : Json(nullptr)}};
    o["programs"] = Json::array();
    for (const ProgramReport& p : object.programs) o["programs"].push_back(program_json(p));
    doc["objects"].push_back(std::move(o));
  }
  return doc;
}

std::string to_text(const VerifyReport& report, bool colour, bool quiet) {
  Painter paint(colour);
  std::string out;
  std::map<std::string_view, size_t> counts;
  size_t errors = 0;
  for (const ObjectReport& object : report.objects) {
    if (object.error) {
      ++errors;
      out += fmt::format("{}: {}: {}\n", object.file, paint(kWords[2].colour, "malformed"),
                         *object.error);
    }
    for (const ProgramReport& p : object.programs) {
      ++counts[words_of(p.verdict.kind).name];
      append_program(out, object, p, paint, quiet);
    }
  }
  out += fmt::format("kernel {}:", report.kernel);
  for (const VerdictWords& words : kWords)
    if (counts[words.name]) out += fmt::format(" {} {}", counts[words.name], words.name);
  if (errors) out += fmt::format(" {} objects that could not be opened", errors);
  return out + "\n";
}

std::string to_kernel_log(const VerifyReport& report) {
  std::string out;
  for (const ObjectReport& object : report.objects) {
    if (object.error) out += fmt::format("{}: {}\n", object.file, *object.error);
    for (const ProgramReport& p : object.programs) out += p.verdict.log;
  }
  return out;
}

std::string to_github(const VerifyReport& report) {
  std::string out;
  for (const ObjectReport& object : report.objects) {
    if (object.error) out += fmt::format("::error file={}::{}\n", object.file, *object.error);
    for (const ProgramReport& p : object.programs) {
      const api::Verdict& v = p.verdict;
      if (v.kind == VerdictKind::kAccepted) continue;
      bool located = v.diagnostic && !v.diagnostic->file.empty();
      out += located ? fmt::format("::error file={},line={},col={},title={}::", v.diagnostic->file,
                                   v.diagnostic->line, v.diagnostic->column, p.name)
                     : fmt::format("::error file={},title={}::", object.file, p.name);
      out += fmt::format("{} by kernel {}: {}\n", words_of(v.kind).name, report.kernel, v.message);
    }
  }
  return out;
}

Json to_sarif(const VerifyReport& report) {
  Json results = Json::array();
  for (const ObjectReport& object : report.objects) {
    for (const ProgramReport& p : object.programs) {
      const api::Verdict& v = p.verdict;
      if (v.kind == VerdictKind::kAccepted) continue;
      bool located = v.diagnostic && !v.diagnostic->file.empty();
      Json place = {{"artifactLocation", {{"uri", located ? v.diagnostic->file : object.file}}}};
      if (located && v.diagnostic->line)
        place["region"] = {{"startLine", v.diagnostic->line},
                           {"startColumn", std::max(1u, v.diagnostic->column)}};
      results.push_back({{"ruleId", words_of(v.kind).name},
                         {"level", v.kind == VerdictKind::kUnsupported ? "warning" : "error"},
                         {"message", {{"text", json_text(p.name + ": " + v.message)}}},
                         {"locations", {{{"physicalLocation", place}}}}});
    }
  }
  Json driver = {{"name", "drydock"}, {"version", kVersion}};
  return {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
          {"version", "2.1.0"},
          {"runs", {{{"tool", {{"driver", driver}}}, {"results", results}}}}};
}

namespace {

std::string matrix_row(size_t width, const std::string& name, const std::vector<std::string>& cells,
                       const std::string& reason) {
  std::string row = fmt::format("{:<{}}", name, width);
  for (const std::string& cell : cells) row += fmt::format("  {:<11}", cell);
  row += reason;
  row.erase(row.find_last_not_of(' ') + 1);
  return row + "\n";
}

/// What each kernel says of a program, and the first reason against it.
std::string matrix_row(size_t width, const std::vector<VerifyReport>& reports, size_t o, size_t p) {
  const ObjectReport& object = reports.front().objects[o];
  std::vector<std::string> cells;
  std::string reason;
  for (const VerifyReport& r : reports) {
    const ObjectReport& here = r.objects[o];
    const api::Verdict* v = p < here.programs.size() ? &here.programs[p].verdict : nullptr;
    cells.emplace_back(words_of(v ? v->kind : VerdictKind::kMalformed).name);
    if (!reason.empty() || (v && v->accepted())) continue;
    reason = fmt::format("  {}: {}", r.kernel, v ? v->message : here.error.value_or(""));
  }
  return matrix_row(width, object.file + ":" + object.programs[p].name, cells, reason);
}

}  // namespace

std::string to_matrix(const std::vector<VerifyReport>& reports) {
  const VerifyReport& first = reports.front();
  size_t width = 0;
  for (const ObjectReport& object : first.objects)
    for (const ProgramReport& program : object.programs)
      width = std::max(width, object.file.size() + 1 + program.name.size());
  std::vector<std::string> kernels;
  for (const VerifyReport& r : reports) kernels.push_back(r.kernel);
  std::string out = matrix_row(width, "program", kernels, "");
  for (size_t o = 0; o < first.objects.size(); ++o) {
    if (first.objects[o].error) out += *first.objects[o].error + "\n";
    for (size_t p = 0; p < first.objects[o].programs.size(); ++p)
      out += matrix_row(width, reports, o, p);
  }
  return out;
}

}  // namespace drydock::cli
