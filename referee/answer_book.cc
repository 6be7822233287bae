// SPDX-License-Identifier: Apache-2.0
#include "referee/answer_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/file.h"

namespace drydock::referee {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    if (c == '\t') out += "\\t";
    else if (c == '\\') out += "\\\\";
    else if (c < 0x20 || c >= 0x7f) out += fmt::format("\\x{:02x}", c);
    else out += static_cast<char>(c);
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else if (char next = text[++i]; next == 'x' && i + 2 < text.size()) {
      unsigned value = 0;
      std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += next == 't' ? '\t' : next;
    }
  }
  return out;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (size_t at = 0;;) {
    size_t end = std::min(line.find('\t', at), line.size());
    fields.push_back(line.substr(at, end - at));
    if (end == line.size()) return fields;
    at = end + 1;
  }
}

template <class Number>
bool number(std::string_view text, Number* out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc{} && end == text.data() + text.size();
}

constexpr size_t kFields = 10;

bool read_line(std::string_view line, Answer* a) {
  std::vector<std::string_view> f = fields_of(line);
  if (f.size() != kFields) return false;
  a->object = f[0];
  a->program = f[1];
  auto kind = answer_kind_named(f[2]);
  if (!kind || !number(f[3], &a->err)) return false;
  a->kind = *kind;
  a->verifier_spoke = f[4] != "-";
  if (a->verifier_spoke &&
      !(number(f[4], &a->insns_processed) && number(f[5], &a->total_states) &&
        number(f[6], &a->peak_states) && number(f[7], &a->max_states_per_insn)))
    return false;
  if (a->verifier_spoke) a->stack_depth = f[8];
  a->message = unescaped(f[9]);
  return true;
}

}  // namespace

Result<AnswerBook> AnswerBook::parse(std::string_view text, const std::string& what) {
  AnswerBook book;
  for (size_t line_number = 1; !text.empty(); ++line_number) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    if (line.starts_with("#")) {
      book.provenance.emplace_back(line.substr(line.starts_with("# ") ? 2 : 1));
      continue;
    }
    Answer answer;
    if (!read_line(line, &answer))
      return malformed(what + ":" + std::to_string(line_number) + ": not a line of answers");
    book.add(std::move(answer));
  }
  return book;
}

Result<AnswerBook> AnswerBook::read(const std::string& path) {
  auto text = read_text_file(path);
  if (!text) return std::unexpected(text.error());
  return parse(*text, path);
}

void AnswerBook::add(Answer answer) {
  auto key = std::pair(answer.object, answer.program);
  answers_.insert_or_assign(std::move(key), std::move(answer));
}

const Answer* AnswerBook::find(const std::string& object, const std::string& program) const {
  auto found = answers_.find({object, program});
  return found == answers_.end() ? nullptr : &found->second;
}

std::string AnswerBook::text() const {
  std::string out;
  for (const std::string& line : provenance) out += "# " + line + "\n";
  for (const auto& [key, a] : answers_) {
    out += fmt::format("{}\t{}\t{}\t{}\t", a.object, a.program, name_of(a.kind), a.err);
    out += a.verifier_spoke ? fmt::format("{}\t{}\t{}\t{}\t{}\t", a.insns_processed, a.total_states,
                                          a.peak_states, a.max_states_per_insn, a.stack_depth)
                            : "-\t-\t-\t-\t-\t";
    out += escaped(a.message) + "\n";
  }
  return out;
}

}  // namespace drydock::referee
