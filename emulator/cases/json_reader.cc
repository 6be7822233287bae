// SPDX-License-Identifier: Apache-2.0
#include "emulator/cases/json_reader.h"

#include <algorithm>
#include <numeric>

namespace drydock::cases {
namespace {

constexpr int kDeepest = 64;

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::optional<std::string> best;
  size_t least = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    size_t distance = edit_distance(word, candidate);
    if (distance < least) least = distance, best = candidate;
  }
  return best;
}

Result<Json> parse_json(std::string_view text, const std::string& file) {
  bool too_deep = false;
  auto limit = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep |= depth > kDeepest;
    return depth <= kDeepest;
  };
  try {
    Json parsed = Json::parse(text, limit, true, true);
    if (too_deep) return malformed(file + ": nested deeper than " + std::to_string(kDeepest));
    return parsed;
  } catch (const Json::parse_error& error) {
    // The library reports by exception; the position is in its text.
    std::string what = error.what();
    size_t at = what.find("] ");
    return malformed(file + ": " + (at == std::string::npos ? what : what.substr(at + 2)));
  }
}

Reader::Reader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) fail("is no object");
}

void Reader::fail(std::string message) {
  if (!error_) error_ = Error{ErrorKind::kMalformed, where_ + " " + std::move(message), 0};
}

const Json* Reader::take(std::string_view field) {
  known_.emplace_back(field);
  if (!object_.is_object()) return nullptr;
  auto found = object_.find(field);
  return found == object_.end() ? nullptr : &*found;
}

std::optional<std::string> Reader::text(std::string_view field) {
  const Json* value = take(field);
  if (!value) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  fail("." + std::string(field) + " is no text");
  return std::nullopt;
}

std::optional<int64_t> Reader::number(std::string_view field) {
  const Json* value = take(field);
  if (!value) return std::nullopt;
  if (value->is_number_unsigned()) return static_cast<int64_t>(value->get<uint64_t>());
  if (value->is_number_integer()) return value->get<int64_t>();
  fail("." + std::string(field) + " is no whole number");
  return std::nullopt;
}

std::string Reader::required_text(std::string_view field) {
  auto value = text(field);
  if (!value && !error_) fail("has no field `" + std::string(field) + "`");
  return value.value_or("");
}

Status Reader::finish() {
  if (!error_) {
    for (const auto& [field, value] : object_.items()) {
      if (std::ranges::find(known_, field) != known_.end()) continue;
      auto similar = nearest(field, known_);
      fail("has an unknown field `" + field + "`" +
           (similar ? " (did you mean `" + *similar + "`?)" : ""));
      break;
    }
  }
  if (error_) return std::unexpected(*error_);
  return {};
}

}  // namespace drydock::cases
