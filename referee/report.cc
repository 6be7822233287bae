// SPDX-License-Identifier: Apache-2.0
#include "referee/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

namespace drydock::referee {
namespace {

using Json = nlohmann::ordered_json;

Json answer_json(const Answer& a) {
  Json json = {{"kind", name_of(a.kind)}, {"errno", a.err}, {"message", a.message}};
  if (a.verifier_spoke)
    json.update({{"insns_processed", a.insns_processed},
                 {"total_states", a.total_states},
                 {"peak_states", a.peak_states},
                 {"max_states_per_insn", a.max_states_per_insn},
                 {"stack_depth", a.stack_depth}});
  if (a.duration_us) json["duration_us"] = a.duration_us;
  return json;
}

Json groups_json(const std::vector<Group>& groups) {
  Json list = Json::array();
  for (const Group& g : groups)
    list.push_back({{"cause", g.cause}, {"count", g.count}, {"example", g.example}});
  return list;
}

Json summary_json(const Summary& s) {
  Json json = {{"programs", s.programs},
               {"compared", s.compared},
               {"stopped", s.stopped},
               {"skipped", s.skipped},
               {"false_accepts", s.false_accepts},
               {"false_rejects", s.false_rejects},
               {"unanswered", s.unanswered}};
  for (size_t i = 0; i < kAspects; ++i)
    json["same"][std::string(name_of(static_cast<Aspect>(i)))] = {{"same", s.aspects[i].same},
                                                                  {"of", s.aspects[i].of}};
  json["differences"] = groups_json(s.groups);
  json["skips"] = groups_json(s.skip_groups);
  return json;
}

Json pair_json(const Pair& p) {
  Json json = {{"object", p.ours.object},
               {"program", p.ours.program},
               {"program_type", p.ours.program_type},
               {"attach_type", p.ours.attach_type}};
  if (!p.skipped.empty()) json["skipped"] = p.skipped;
  Json differs = Json::array();
  for (Aspect a : p.differs) differs.push_back(name_of(a));
  if (!differs.empty()) json["differs"] = differs;
  json["ours"] = answer_json(p.ours);
  json["theirs"] = answer_json(p.theirs);
  return json;
}

Answer::Kind kind_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(Answer::Kind::kInternalError); ++i)
    if (name_of(static_cast<Answer::Kind>(i)) == name) return static_cast<Answer::Kind>(i);
  return Answer::Kind::kNotLoaded;
}

Answer read_answer(const Json& json, const Json& pair) {
  Answer a;
  a.object = pair.value("object", "");
  a.program = pair.value("program", "");
  a.program_type = pair.value("program_type", "");
  a.attach_type = pair.value("attach_type", "");
  a.kind = kind_named(json.value("kind", ""));
  a.err = json.value("errno", 0);
  a.message = json.value("message", "");
  a.verifier_spoke = json.contains("insns_processed");
  a.insns_processed = json.value("insns_processed", uint64_t{0});
  a.total_states = json.value("total_states", 0u);
  a.peak_states = json.value("peak_states", 0u);
  a.max_states_per_insn = json.value("max_states_per_insn", 0u);
  a.stack_depth = json.value("stack_depth", "");
  a.duration_us = json.value("duration_us", uint64_t{0});
  return a;
}

std::string share(const Agreement& a) {
  double percent = a.of ? 100.0 * static_cast<double>(a.same) / static_cast<double>(a.of) : 100.0;
  return fmt::format("{}/{} {:.2f}%", a.same, a.of, percent);
}

struct MatrixRow {
  std::string name;
  std::vector<std::string> cells;
};

std::vector<MatrixRow> matrix(const std::vector<Comparison>& all,
                              const std::vector<Summary>& summaries) {
  std::vector<MatrixRow> rows = {
      {"compared", {}},        {"same verdict", {}},    {"same errno", {}},
      {"same error line", {}}, {"same insn count", {}}, {"same states", {}},
      {"false accepts", {}},   {"false rejects", {}},   {"not answered", {}},
      {"stopped before", {}},  {"skipped", {}}};
  for (size_t i = 0; i < all.size(); ++i) {
    const Summary& s = summaries[i];
    std::vector<std::string> cells = {std::to_string(s.compared)};
    for (const Agreement& a : s.aspects) cells.push_back(share(a));
    for (size_t n : {s.false_accepts, s.false_rejects, s.unanswered, s.stopped, s.skipped})
      cells.push_back(std::to_string(n));
    for (size_t row = 0; row < rows.size(); ++row)
      rows[row].cells.push_back(all[i].skipped.empty() ? cells[row] : "-");
  }
  return rows;
}

std::string heading(const Comparison& c) {
  return (c.suite.empty() ? std::string("objects") : c.suite) + " on " + c.kernel;
}

std::vector<Summary> summaries_of(const std::vector<Comparison>& all) {
  std::vector<Summary> list;
  for (const Comparison& c : all) list.push_back(summarise(c.pairs));
  return list;
}

void append_groups(const std::vector<Group>& groups, size_t most, std::string* out) {
  for (size_t i = 0; i < groups.size() && i < most; ++i)
    *out += fmt::format("{:6}  {}\n        e.g. {}\n", groups[i].count, groups[i].cause,
                        groups[i].example);
  if (groups.size() > most)
    *out += fmt::format("        and {} more groups\n", groups.size() - most);
}

}  // namespace

Json to_json(const std::vector<Comparison>& comparisons) {
  Json doc = {{"schema", 1}, {"comparisons", Json::array()}};
  for (const Comparison& c : comparisons) {
    Json json = {{"suite", c.suite},
                 {"kernel", c.kernel},
                 {"target", c.target},
                 {"whole", c.whole},
                 {"judged", c.judged}};
    if (!c.skipped.empty()) json["skipped"] = c.skipped;
    json["wrong"] = c.wrong;
    json["summary"] = summary_json(summarise(c.pairs));
    json["pairs"] = Json::array();
    for (const Pair& p : c.pairs) json["pairs"].push_back(pair_json(p));
    doc["comparisons"].push_back(std::move(json));
  }
  return doc;
}

Status merge_json(std::string_view text, const std::string& what, std::vector<Comparison>* into) {
  Json doc = Json::parse(text, nullptr, false);
  if (doc.is_discarded() || !doc.is_object() || !doc.contains("comparisons") ||
      !doc["comparisons"].is_array() || doc.value("schema", 0) != 1)
    return malformed(what + ": not the JSON of a comparison");
  for (const Json& json : doc["comparisons"]) {
    if (!json.is_object() || !json.contains("pairs") || !json["pairs"].is_array())
      return malformed(what + ": a comparison without pairs");
    Comparison read{.suite = json.value("suite", ""),
                    .kernel = json.value("kernel", ""),
                    .target = json.value("target", ""),
                    .skipped = json.value("skipped", "")};
    std::vector<Answer> ours, theirs;
    for (const Json& pair : json["pairs"]) {
      if (!pair.is_object() || !pair.contains("ours") || !pair.contains("theirs"))
        return malformed(what + ": a pair without both answers");
      ours.push_back(read_answer(pair["ours"], pair));
      theirs.push_back(read_answer(pair["theirs"], pair));
    }
    read.pairs = pair_answers(ours, theirs);
    auto same = std::ranges::find_if(*into, [&](const Comparison& c) {
      return c.suite == read.suite && c.kernel == read.kernel && c.target == read.target;
    });
    if (same == into->end()) {
      into->push_back(std::move(read));
      continue;
    }
    std::ranges::move(read.pairs, std::back_inserter(same->pairs));
    if (same->skipped.empty()) same->skipped = read.skipped;
  }
  return {};
}

std::string to_text(const std::vector<Comparison>& all, size_t groups) {
  std::vector<Summary> summaries = summaries_of(all);
  std::string out;
  for (size_t i = 0; i < all.size(); ++i) {
    const Comparison& c = all[i];
    if (!c.skipped.empty()) {
      out += fmt::format("{}: skipped: {}\n", heading(c), c.skipped);
      continue;
    }
    out += fmt::format("{}: {}\n", heading(c), c.target);
    append_groups(summaries[i].groups, groups, &out);
    if (!summaries[i].skip_groups.empty()) {
      out += "  not compared:\n";
      append_groups(summaries[i].skip_groups, 5, &out);
    }
    for (const std::string& line : c.wrong) out += "  wrong: " + line + "\n";
  }
  out += fmt::format("\n{:<16}", "");
  for (const Comparison& c : all) out += fmt::format("  {:>22}", heading(c));
  out += "\n";
  for (const MatrixRow& row : matrix(all, summaries)) {
    out += fmt::format("{:<16}", row.name);
    for (const std::string& cell : row.cells) out += fmt::format("  {:>22}", cell);
    out += "\n";
  }
  return out;
}

namespace {

std::string html_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

constexpr const char* kStyle =
    "body{font:14px/1.5 system-ui,sans-serif;margin:2em;max-width:72em;color:#222;background:#fff}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}"
    "table{border-collapse:collapse;margin:1em 0}th,td{padding:.2em .8em;text-align:right;"
    "border-bottom:1px solid #8884}th:first-child,td:first-child{text-align:left}"
    "td.text{text-align:left;font-family:ui-monospace,monospace;font-size:12px}"
    ".wrong{color:#c33}summary{cursor:pointer}";

void html_groups(const std::vector<Group>& groups, std::string* out) {
  *out += "<table><tr><th>programs</th><th>cause</th><th>example</th></tr>\n";
  for (const Group& g : groups)
    *out += fmt::format("<tr><td>{}</td><td class=text>{}</td><td class=text>{}</td></tr>\n",
                        g.count, html_text(g.cause), html_text(g.example));
  *out += "</table>\n";
}

void html_pairs(const Comparison& c, std::string* out) {
  *out +=
      "<details><summary>Every difference</summary><table><tr><th>program</th><th>differs in</th>"
      "<th>Drydock</th><th>kernel</th></tr>\n";
  auto cell = [](const Answer& a) {
    std::string text = std::string(name_of(a.kind));
    if (a.err) text += fmt::format(" ({})", a.err);
    if (!a.message.empty()) text += ": " + a.message;
    if (a.verifier_spoke)
      text += fmt::format(" [{} insns, {} states]", a.insns_processed, a.total_states);
    return html_text(text);
  };
  for (const Pair& p : c.pairs) {
    if (p.differs.empty()) continue;
    std::string aspects;
    for (Aspect a : p.differs) aspects += (aspects.empty() ? "" : ", ") + std::string(name_of(a));
    *out += fmt::format(
        "<tr><td class=text>{}:{}</td><td class=text>{}</td><td class=text>{}</td><td "
        "class=text>{}</td></tr>\n",
        html_text(p.ours.object), html_text(p.ours.program), aspects, cell(p.ours), cell(p.theirs));
  }
  *out += "</table></details>\n";
}

}  // namespace

std::string to_html(const std::vector<Comparison>& all) {
  std::vector<Summary> summaries = summaries_of(all);
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=en><meta charset=utf-8><title>Drydock: comparison</title>"
      "<style>{}</style>\n<h1>Drydock and real kernels</h1>\n<table><tr><th></th>",
      kStyle);
  for (const Comparison& c : all) out += "<th>" + html_text(heading(c)) + "</th>";
  out += "</tr>\n";
  for (const MatrixRow& row : matrix(all, summaries)) {
    out += "<tr><td>" + row.name + "</td>";
    for (const std::string& cell : row.cells) out += "<td>" + cell + "</td>";
    out += "</tr>\n";
  }
  out += "</table>\n";
  for (size_t i = 0; i < all.size(); ++i) {
    const Comparison& c = all[i];
    out += "<h2>" + html_text(heading(c)) + "</h2>\n<p>" +
           html_text(c.skipped.empty() ? c.target : "skipped: " + c.skipped) + "</p>\n";
    if (!c.skipped.empty()) continue;
    for (const std::string& line : c.wrong) out += "<p class=wrong>" + html_text(line) + "</p>\n";
    html_groups(summaries[i].groups, &out);
    if (!summaries[i].skip_groups.empty()) {
      out += "<details><summary>Not compared</summary>";
      html_groups(summaries[i].skip_groups, &out);
      out += "</details>\n";
    }
    html_pairs(c, &out);
  }
  return out + "</html>\n";
}

}  // namespace drydock::referee
