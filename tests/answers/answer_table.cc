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
  auto same =
      std::ranges::find(sections_, body, &std::pair<std::string, std::vector<std::string>>::first);
  if (same == sections_.end()) sections_.push_back({body, {section}});
  else same->second.push_back(section);
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

Sections read_sections(std::string_view text) {
  Sections sections;
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
      uint32_t last =
          dash == std::string::npos ? first : number(std::string_view(range).substr(dash + 1));
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

std::string write_values(const Answers& messages) {
  Answers values;
  for (const auto& [value, message] : messages) values[message] += " " + value;
  std::string text;
  for (const auto& [message, who] : values) text += message + ":" + who + "\n";
  return text.empty() ? "no arguments\n" : text;
}

Answers read_values(std::string_view body) {
  Answers messages;
  for (const std::string& line : lines_of(body)) {
    // Only the first value stands behind a colon: "message: 1=stack 2=8".
    size_t colon = std::string::npos;
    for (char digit = '1'; digit <= '5' && colon == std::string::npos; ++digit)
      colon = line.rfind(std::string(": ") + digit + "=");
    if (colon == std::string::npos) continue;
    std::istringstream values(line.substr(colon + 1));
    for (std::string value; values >> value;) messages[value] = line.substr(0, colon);
  }
  return messages;
}

namespace {

// --- Forms of tables ----------------------------------------------------------------------------

enum class Form { kWhole, kNumbered, kValues, kListed };

Form form_of(std::string_view table) {
  if (table == "helpers") return Form::kNumbered;
  if (table == "helper-arguments" || table == "typed-contexts") return Form::kValues;
  return table == "register-kinds" ? Form::kListed : Form::kWhole;
}

constexpr std::string_view kArrow = " <- ", kSemicolon = "; ";
constexpr std::string_view kNotAsked = "(not asked)";

// "message <- value; value"
Answers read_listed(std::string_view body) {
  Answers answers;
  for (const std::string& line : lines_of(body)) {
    size_t arrow = line.find(kArrow);
    if (arrow == std::string::npos) continue;
    std::string_view values = std::string_view(line).substr(arrow + kArrow.size());
    while (!values.empty()) {
      size_t end = std::min(values.find(kSemicolon), values.size());
      answers[std::string(values.substr(0, end))] = line.substr(0, arrow);
      values.remove_prefix(std::min(end + kSemicolon.size(), values.size()));
    }
  }
  return answers;
}

std::string write_listed(const Answers& answers) {
  Answers values;
  for (const auto& [value, message] : answers) {
    std::string& list = values[message];
    list += (list.empty() ? "" : std::string(kSemicolon)) + value;
  }
  std::string text;
  for (const auto& [message, list] : values) text += message + std::string(kArrow) + list + "\n";
  return text;
}

// The answers of `other` that are not `whole`'s.
Answers changed(const Answers& whole, const Answers& other) {
  Answers changes;
  for (const auto& [question, answer] : other) {
    auto at = whole.find(question);
    if (at == whole.end() || at->second != answer) changes[question] = answer;
  }
  for (const auto& [question, answer] : whole)
    if (!other.contains(question)) changes[question] = kNotAsked;
  return changes;
}

Answers with_changes(Answers answers, const Answers& changes) {
  for (const auto& [question, answer] : changes) {
    if (answer == kNotAsked) answers.erase(question);
    else answers[question] = answer;
  }
  return answers;
}

}  // namespace

Answers read_answers(std::string_view table, std::string_view body) {
  switch (form_of(table)) {
    case Form::kValues: return read_values(body);
    case Form::kListed: return read_listed(body);
    case Form::kNumbered: {
      Answers answers;
      for (const auto& [n, message] : read_numbered(body)) answers[std::to_string(n)] = message;
      return answers;
    }
    case Form::kWhole: break;
  }
  return {{"", std::string(body)}};
}

std::string write_answers(std::string_view table, const Answers& answers) {
  switch (form_of(table)) {
    case Form::kValues: return write_values(answers);
    case Form::kListed: return write_listed(answers);
    case Form::kNumbered: {
      std::map<uint32_t, std::string> numbered;
      for (const auto& [question, message] : answers) numbered[number(question)] = message;
      return write_numbered(numbered);
    }
    case Form::kWhole: break;
  }
  return answers.empty() ? "" : answers.begin()->second;
}

std::string table_file(std::string_view kernel, std::string_view name) {
  std::ifstream file(std::string(DRYDOCK_SOURCE_DIR) + "/corpus/tables/" + std::string(kernel) +
                     "/" + std::string(name) + ".txt");
  return {std::istreambuf_iterator<char>(file), {}};
}

Sections read_table(std::string_view kernel, std::string_view name) {
  std::string text = table_file(kernel, name);
  if (text.empty()) return {};
  if (kernel == kWholeKernel) return read_sections(text);
  Sections sections = read_sections(table_file(kWholeKernel, name));
  for (const auto& [title, body] : read_sections(text)) {
    std::string section = title.substr(title.starts_with("~ ") || title.starts_with("- ") ? 2 : 0);
    if (title.starts_with("- ")) sections.erase(section);
    else if (title.starts_with("~ "))
      sections[section] = write_answers(name, with_changes(read_answers(name, sections[section]),
                                                           read_answers(name, body)));
    else sections[section] = body;
  }
  return sections;
}

std::string as_difference(std::string_view table, const Sections& whole, const Sections& other) {
  TableWriter writer;
  std::string gone;
  for (const auto& [name, body] : other) {
    auto at = whole.find(name);
    if (at != whole.end() && at->second == body) continue;
    if (at == whole.end() || form_of(table) == Form::kWhole) {
      writer.add(name, body);
      continue;
    }
    Answers changes = changed(read_answers(table, at->second), read_answers(table, body));
    if (!changes.empty()) writer.add("~ " + name, write_answers(table, changes));
  }
  for (const auto& [name, body] : whole)
    if (!other.contains(name)) gone += (gone.empty() ? "[- " : ", - ") + name;
  return writer.text() + (gone.empty() ? "" : gone + "]\n");
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
