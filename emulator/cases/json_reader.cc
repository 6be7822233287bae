// SPDX-License-Identifier: Apache-2.0
#include "emulator/cases/json_reader.h"

#include <algorithm>

namespace drydock::cases {
namespace {

constexpr int kDeepest = 64;

}  // namespace

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
