// SPDX-License-Identifier: Apache-2.0
#include "answers/kfunc_table.h"

#include <charconv>
#include <sstream>

namespace drydock::kfunc_table {
namespace {

std::vector<std::string> cells_of(const std::string& line, size_t columns) {
  std::vector<std::string> cells;
  size_t at = 0;
  while (cells.size() + 1 < columns) {
    size_t tab = line.find('\t', at);
    if (tab == std::string::npos) return {};
    cells.push_back(line.substr(at, tab - at));
    at = tab + 1;
  }
  cells.push_back(line.substr(at));
  return cells;
}

// A map value without fields as a work queue: 6.12.95 follows a null pointer.
bool takes_down(std::string_view kfunc, char kind, Release release) {
  return kind == 'v' && kfunc.starts_with("bpf_wq_") && release < Release{6, 18, 0};
}

int read_errno(const std::string& text) { return text == "-" ? kNotAsked : std::stoi(text); }
std::string errno_text(int err) { return err == kNotAsked ? "-" : std::to_string(err); }

Answers read_calls(const std::vector<std::string>& cells) {
  Answers answers;
  uint64_t sites = std::stoull(cells[2], nullptr, 16);
  for (size_t i = 0; i < std::size(kSites); ++i)
    if (sites >> i & 1)
      answers[{cells[0], cells[1], std::string(kSites[i].name)}] = {read_errno(cells[3]), cells[4]};
  return answers;
}

Answers read_arguments(const std::vector<std::string>& cells) {
  Answers answers;
  std::istringstream sites(cells[2]);
  for (std::string site; std::getline(sites, site, ',');)
    for (char kind : cells[3])
      answers[{cells[0], cells[1], site, kind}] = {read_errno(cells[4]), cells[5]};
  return answers;
}

std::string write_calls(const Answers& answers) {
  std::map<std::tuple<std::string, std::string, Answer>, uint64_t> lines;
  for (const auto& [q, answer] : answers)
    for (size_t i = 0; i < std::size(kSites); ++i)
      if (kSites[i].name == q.site) lines[{q.kfunc, q.argument, answer}] |= uint64_t{1} << i;
  std::ostringstream text;
  for (const auto& [line, sites] : lines) {
    const auto& [kfunc, argument, answer] = line;
    text << kfunc << '\t' << argument << '\t' << std::hex << sites << std::dec << '\t'
         << errno_text(answer.err) << '\t' << answer.log << '\n';
  }
  return text.str();
}

std::string write_arguments(const Answers& answers) {
  using Place = std::tuple<std::string, std::string>;
  std::map<std::tuple<Place, std::string, Answer>, std::string> kinds;  // by site
  for (const auto& [q, answer] : answers) kinds[{{q.kfunc, q.argument}, q.site, answer}] += q.kind;
  std::map<std::tuple<Place, std::string, Answer>, std::string> sites;  // by kinds
  for (const auto& [key, letters] : kinds) {
    const auto& [place, site, answer] = key;
    std::string& list = sites[{place, letters, answer}];
    list += (list.empty() ? "" : ",") + site;
  }
  std::string text;
  for (const auto& [key, list] : sites) {
    const auto& [place, letters, answer] = key;
    text += std::get<0>(place) + "\t" + std::get<1>(place) + "\t" + list + "\t" + letters + "\t" +
            errno_text(answer.err) + "\t" + answer.log + "\n";
  }
  return text;
}

}  // namespace

Answers ask_calls(const Btf& btf, std::string_view kfunc, const Loader& loader) {
  Answers answers;
  uint32_t id = btf.find(kfunc, BtfKind::kFunc);
  if (id == 0) return answers;
  for (char pattern : kPatterns) {
    std::vector<isa::Insn> code = program(btf, id, pattern);
    for (const Site& site : kSites)
      answers[{std::string(kfunc), {pattern}, std::string(site.name)}] = loader(site, code);
  }
  return answers;
}

Answers ask_arguments(const Btf& btf, std::string_view kfunc, const Maps& maps, Release release,
                      const Loader& loader) {
  Answers answers;
  uint32_t id = btf.find(kfunc, BtfKind::kFunc);
  if (id == 0) return answers;
  auto params = static_cast<uint32_t>(btf.type(btf.type(id)->type())->params().size());
  for (uint32_t position = 0; position < params && position < 5; ++position) {
    for (std::string_view site : kArgumentSites) {
      for (char kind : kRegisterKinds) {
        if (takes_down(kfunc, kind, release)) continue;
        Answer answer = loader(site_named(site), program_with(btf, id, position, kind, maps));
        if (answer.log.find("is not allowed") != std::string::npos) continue;
        answers[{std::string(kfunc), std::to_string(position), std::string(site), kind}] =
            std::move(answer);
      }
    }
  }
  return answers;
}

Answers read(std::string_view table, std::string_view text) {
  Answers answers;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    auto cells = cells_of(line, table == kCalls ? 5 : 6);
    if (!cells.empty()) answers.merge(table == kCalls ? read_calls(cells) : read_arguments(cells));
  }
  return answers;
}

std::string write(std::string_view table, const Answers& answers) {
  return table == kCalls ? write_calls(answers) : write_arguments(answers);
}

Answers differing(const Answers& whole, const Answers& other) {
  Answers changes;
  for (const auto& [question, answer] : other) {
    auto at = whole.find(question);
    if (at == whole.end() || at->second != answer) changes[question] = answer;
  }
  for (const auto& [question, answer] : whole)
    if (!other.contains(question)) changes[question] = {kNotAsked, ""};
  return changes;
}

Answers with_changes(Answers whole, const Answers& changes) {
  for (const auto& [question, answer] : changes) {
    if (answer.err == kNotAsked) whole.erase(question);
    else whole[question] = answer;
  }
  return whole;
}

}  // namespace drydock::kfunc_table
