// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_table.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

namespace drydock::testing {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// "a, b" as a and b.
std::vector<std::string> names_of(std::string_view title) {
  std::vector<std::string> names;
  constexpr std::string_view kComma = ", ";
  for (size_t at; (at = title.find(kComma)) != std::string_view::npos;) {
    names.emplace_back(title.substr(0, at));
    title.remove_prefix(at + kComma.size());
  }
  names.emplace_back(title);
  return names;
}

uint32_t number(std::string_view text) {
  uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::string as_ranges(const std::vector<uint32_t>& numbers, uint32_t step) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + step) ++last;
    if (!text.empty()) text += ' ';
    text += std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text.empty() ? "none" : text;
}

void TableWriter::add(const std::string& section, const std::string& body) {
  auto same = std::ranges::find(sections_, body,
                                &std::pair<std::string, std::vector<std::string>>::first);
  if (same == sections_.end())
    sections_.push_back({body, {section}});
  else
    same->second.push_back(section);
}

std::string TableWriter::text() const {
  std::string text;
  for (const auto& [body, names] : sections_) {
    text += '[';
    for (size_t i = 0; i < names.size(); ++i) text += (i ? ", " : "") + names[i];
    text += "]\n" + body;
  }
  return text;
}

std::map<std::string, std::string> read_sections(std::string_view text) {
  std::map<std::string, std::string> sections;
  std::vector<std::string> names;
  for (const std::string& line : lines_of(text)) {
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with('[') && line.ends_with(']')) {
      names = names_of(std::string_view(line).substr(1, line.size() - 2));
      for (const std::string& name : names) sections[name];
      continue;
    }
    for (const std::string& name : names) sections[name] += line + "\n";
  }
  return sections;
}

std::map<uint32_t, std::string> read_numbered(std::string_view body) {
  std::map<uint32_t, std::string> messages;
  for (const std::string& line : lines_of(body)) {
    size_t colon = line.rfind(": ");
    if (colon == std::string::npos) continue;
    std::istringstream ranges(line.substr(colon + 2));
    for (std::string range; ranges >> range;) {
      size_t dash = range.find('-');
      uint32_t first = number(range);
      uint32_t last = dash == std::string::npos ? first : number(std::string_view(range).substr(dash + 1));
      for (uint32_t n = first; n <= last; ++n) messages[n] = line.substr(0, colon);
    }
  }
  return messages;
}

std::string write_numbered(const std::map<uint32_t, std::string>& messages) {
  std::map<std::string, std::vector<uint32_t>> numbers;
  for (const auto& [n, message] : messages) numbers[message].push_back(n);
  std::string text;
  for (const auto& [message, who] : numbers) text += message + ": " + as_ranges(who, 1) + "\n";
  return text;
}

std::string read_table(std::string_view name) {
  std::ifstream file(std::string(DRYDOCK_SOURCE_DIR) + "/corpus/tables/" + std::string(name) +
                     ".txt");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string difference(std::string_view theirs, std::string_view ours, size_t limit) {
  auto a = lines_of(theirs), b = lines_of(ours);
  std::set<std::string> left(a.begin(), a.end()), right(b.begin(), b.end());
  std::string text;
  size_t shown = 0;
  auto show = [&](char sign, const auto& lines, const auto& other) {
    for (const std::string& line : lines)
      if (!other.contains(line) && shown++ < limit) text += sign + line + "\n";
  };
  show('-', a, right);
  show('+', b, left);
  if (shown > limit) text += "... and " + std::to_string(shown - limit) + " more\n";
  return text;
}

}  // namespace drydock::testing
