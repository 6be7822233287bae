// SPDX-License-Identifier: Apache-2.0
// Reading a JSON object field by field: each is taken once, its type is checked, and what nobody
// took is an error that names the field, where it stands and the nearest one that exists.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/nearest.h"
#include "base/result.h"

namespace drydock::cases {

using Json = nlohmann::ordered_json;

/// Parses text with a limit on nesting; the error names line and column.
Result<Json> parse_json(std::string_view text, const std::string& file);

class Reader {
 public:
  /// `where` is the path of the object for messages: "steps[3].connect".
  Reader(const Json& object, std::string where);

  const std::string& where() const { return where_; }
  const Json& object() const { return object_; }
  bool has(std::string_view field) const { return object_.contains(field); }
  /// The field, or nullptr; it counts as known from now on.
  const Json* take(std::string_view field);
  std::optional<std::string> text(std::string_view field);
  std::optional<int64_t> number(std::string_view field);
  std::string required_text(std::string_view field);

  /// The first thing that was wrong: a type, a missing field, an unknown field.
  Status finish();
  void fail(std::string message);

 private:
  const Json& object_;
  std::string where_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

}  // namespace drydock::cases
