// SPDX-License-Identifier: Apache-2.0
// docs/case.schema.json is what editors complete cases with. It has the fields that the reader has
// and no others, and every case of the corpus is valid by it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include "base/file.h"
#include "emulator/cases/case_context.h"

namespace drydock::cases {
namespace {

namespace fs = std::filesystem;

Json schema() {
  auto text = read_text_file(std::string(DRYDOCK_SOURCE_DIR) + "/docs/case.schema.json");
  auto json =
      text ? parse_json(*text, "case.schema.json") : Result<Json>(std::unexpected(text.error()));
  EXPECT_TRUE(json) << json.error().message;
  return json.value_or(Json());
}

std::vector<StepRow> all_steps() {
  std::vector<StepRow> rows;
  for (auto family : {program_steps(), socket_steps(), event_steps(), state_steps()})
    rows.insert(rows.end(), family.begin(), family.end());
  return rows;
}

/// As much of JSON Schema as the schema uses; a keyword that it does not know is an error, so that
/// nothing in the schema goes unchecked.
class Validator {
 public:
  explicit Validator(const Json& root) : root_(root) {}

  /// "" when valid, else the first thing that is not, with its place.
  std::string check(const Json& rule, const Json& value, const std::string& where) const {
    for (const auto& [keyword, content] : rule.items()) {
      std::string wrong = keyword_holds(keyword, content, rule, value, where);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

 private:
  static bool has_type(const Json& name, const Json& value) {
    if (name.is_array())
      return std::ranges::any_of(name, [&](const Json& one) { return has_type(one, value); });
    const std::string type = name.get<std::string>();
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
           (type == "null" && value.is_null()) || (type == "integer" && value.is_number_integer());
  }

  std::string keyword_holds(const std::string& keyword, const Json& content, const Json& rule,
                            const Json& value, const std::string& where) const {
    static const std::set<std::string> kWords = {"description", "title", "$schema", "$defs"};
    if (kWords.contains(keyword)) return "";
    if (keyword == "$ref") {
      const std::string name = content.get<std::string>().substr(std::string("#/$defs/").size());
      return check(root_.at("$defs").at(name), value, where);
    }
    if (keyword == "type")
      return has_type(content, value) ? "" : where + " is no " + content.dump();
    if (keyword == "enum")
      return std::ranges::find(content, value) != content.end()
                 ? ""
                 : where + " is not one of " + content.dump();
    if (keyword == "minimum")
      return !value.is_number() || value >= content ? "" : where + " is too small";
    if (keyword == "maximum")
      return !value.is_number() || value <= content ? "" : where + " is too large";
    if (keyword == "minItems" || keyword == "minProperties")
      return value.size() >= content.get<size_t>() ? "" : where + " has too few";
    if (keyword == "maxProperties")
      return value.size() <= content.get<size_t>() ? "" : where + " has too many";
    if (keyword == "anyOf") return any_of(content, value, where);
    if (!value.is_object() && !value.is_array()) return "";
    if (keyword == "items") return items(content, value, where);
    if (keyword == "properties") return properties(content, value, where);
    if (keyword == "additionalProperties") return additional(content, rule, value, where);
    if (keyword == "required") {
      for (const Json& name : content)
        if (value.is_object() && !value.contains(name.get<std::string>()))
          return where + " has no " + name.dump();
      return "";
    }
    return "the schema uses `" + keyword + "`, which this test does not check";
  }

  std::string any_of(const Json& rules, const Json& value, const std::string& where) const {
    for (const Json& rule : rules)
      if (check(rule, value, where).empty()) return "";
    return where + " is nothing that is allowed there";
  }
  std::string items(const Json& rule, const Json& value, const std::string& where) const {
    size_t i = 0;
    for (const Json& item : value) {
      std::string wrong = check(rule, item, where + "[" + std::to_string(i++) + "]");
      if (!wrong.empty()) return wrong;
    }
    return "";
  }
  std::string properties(const Json& rules, const Json& value, const std::string& where) const {
    for (const auto& [name, rule] : rules.items()) {
      if (!value.contains(name)) continue;
      std::string wrong = check(rule, value[name], where + "." + name);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }
  std::string additional(const Json& content, const Json& rule, const Json& value,
                         const std::string& where) const {
    for (const auto& [name, field] : value.items()) {
      if (rule.contains("properties") && rule["properties"].contains(name)) continue;
      if (content == false) return where + " has an unknown field " + name;
      std::string wrong = check(content, field, where + "." + name);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }
  const Json& root_;
};

std::set<std::string> names_of(const Json& object) {
  std::set<std::string> names;
  for (const auto& [name, value] : object.items()) names.insert(name);
  return names;
}
/// The sources of the reader, for the names in them.
std::string sources() {
  std::string text;
  for (const auto& entry :
       fs::directory_iterator(std::string(DRYDOCK_SOURCE_DIR) + "/emulator/cases"))
    if (entry.path().extension() == ".cc")
      text += read_text_file(entry.path().string()).value_or("");
  return text;
}

/// Every name below `properties`, wherever it is.
void collect_fields(const Json& rule, std::set<std::string>& fields) {
  if (rule.is_array())
    for (const Json& item : rule) collect_fields(item, fields);
  if (!rule.is_object()) return;
  for (const auto& [keyword, content] : rule.items()) {
    if (keyword == "properties")
      for (const auto& [name, field] : content.items()) fields.insert(name);
    collect_fields(content, fields);
  }
}

TEST(CaseSchema, HasTheStepsOfTheReader) {
  const Json root = schema();
  std::set<std::string> kinds;
  for (const StepRow& row : all_steps()) kinds.emplace(row.kind);
  EXPECT_EQ(names_of(root["$defs"]["step"]["properties"]), kinds);
}

TEST(CaseSchema, HasEveryFieldThatIsRead) {
  std::set<std::string> fields;
  collect_fields(schema(), fields);
  const std::string text = sources();
  std::regex read(R"re(\b(?:take|text|number|required_text)\("([a-z_]+)"\))re");
  size_t reads = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), read), end; match != end;
       ++match, ++reads)
    EXPECT_TRUE(fields.contains((*match)[1])) << (*match)[1] << " is read and not in the schema";
  EXPECT_GT(reads, 30u);
}

// A field that is in the schema and nowhere read would be an error of the reader.
TEST(CaseSchema, HasNoFieldThatIsNotRead) {
  std::set<std::string> fields;
  collect_fields(schema(), fields);
  const std::string text = sources();
  for (const std::string& field : fields)
    EXPECT_NE(text.find("\"" + field + "\""), std::string::npos) << field;
}

TEST(CaseSchema, EveryCaseOfTheCorpusIsValid) {
  const Json root = schema();
  const Validator validator(root);
  size_t cases = 0;
  for (const auto& entry :
       fs::directory_iterator(std::string(DRYDOCK_SOURCE_DIR) + "/corpus/cases")) {
    auto text = read_text_file(entry.path().string());
    ASSERT_TRUE(text);
    auto json = parse_json(*text, entry.path().string());
    ASSERT_TRUE(json) << json.error().message;
    EXPECT_EQ(validator.check(root, *json, entry.path().filename().string()), "");
    ++cases;
  }
  EXPECT_GT(cases, 25u);
}

TEST(CaseSchema, RefusesWhatTheReaderRefuses) {
  const Json root = schema();
  const Validator validator(root);
  for (const char* text :
       {R"({"steps": [{"cpu": {"cpu": 0}}]})", R"({"object": "a", "steps": []})",
        R"({"object": "a", "stepz": [], "steps": [{"cpu": {"cpu": 0}}]})",
        R"({"object": "a", "steps": [{"cpu": {"cpu": "0"}}]})",
        R"({"object": "a", "steps": [{"cpu": {"cpu": -1}}]})",
        R"({"object": "a", "steps": [{"socket": {"name": "s", "famly": "inet"}}]})",
        R"({"object": "a", "steps": [{"socket": {"name": "s", "family": "ipx"}}]})",
        R"({"object": "a", "steps": [{"cpu": {"cpu": 0}, "advance": {"ns": 1}}]})"})
    EXPECT_NE(validator.check(root, Json::parse(text), "case"), "") << text;
}

}  // namespace
}  // namespace drydock::cases
