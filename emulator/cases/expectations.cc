// SPDX-License-Identifier: Apache-2.0
#include "emulator/cases/expectations.h"

#include <span>

#include "emulator/cases/values.h"
#include "emulator/events/socket_address.h"

namespace drydock::cases {
namespace {

/// One expectation being compared: the step, the field's name, what is expected and what was seen.
struct Comparison {
  Reader& step;
  std::string_view field;
  const Json& expected;
  const Json& seen;      // the field of the observation
  const Json& observed;  // all of it
  std::string place() const { return step.where() + "." + std::string(field); }
};
using Check = Status (*)(const Comparison&);

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Status same_verdict(const Comparison& c) {
  std::string message = text_of(c.observed.value("message", Json("")));
  if (c.seen == c.expected) return {};
  if (c.seen == "unsupported") return unsupported(message);
  return differs(c.step.where(), text_of(c.seen) + ", expected " + text_of(c.expected) +
                                     (message.empty() ? "" : ": " + message));
}

Status same_errno(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(), "errno " + c.seen.dump() + ", expected " + c.expected.dump());
}

Status contains_message(const Comparison& c) {
  if (text_of(c.seen).find(text_of(c.expected)) != std::string::npos) return {};
  return differs(c.step.where(),
                 "message `" + text_of(c.seen) + "`, expected `" + text_of(c.expected) + "`");
}

Status same_processed(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(),
                 "processed " + c.seen.dump() + " instructions, expected " + c.expected.dump());
}

Status same_result(const Comparison& c) {
  auto expected = parse_result(c.expected, c.place());
  if (!expected) return std::unexpected(expected.error());
  auto seen = parse_result(c.seen, c.place());
  if (!seen) return std::unexpected(seen.error());
  if (*seen == *expected) return {};
  return differs(c.step.where(),
                 "result " + result_text(*seen) + ", expected " + result_text(*expected));
}

Status same_returns(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(),
                 "programs returned " + c.seen.dump() + ", expected " + c.expected.dump());
}

Status same_return(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(), "returned " + c.seen.dump() + ", expected " + c.expected.dump());
}

/// "" stands for no fault, on both sides.
Status same_fault(const Comparison& c) {
  std::string seen = text_of(c.seen), expected = text_of(c.expected);
  if (expected.empty() && !seen.empty())
    return differs(c.step.where(), "the program stopped: " + seen);
  if (!expected.empty() && seen.empty())
    return differs(c.step.where(), "no fault, expected `" + expected + "`");
  if (seen.find(expected) == std::string::npos)
    return differs(c.step.where(), "fault `" + seen + "`, expected `" + expected + "`");
  return {};
}

Status same_skipped(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(),
                 c.seen == true ? "the function was skipped" : "the function was not skipped");
}

/// An expected address without a port leaves the port open.
Status same_address(const Comparison& c) {
  std::string text = text_of(c.expected);
  auto expected = SocketAddress::parse(text), seen = SocketAddress::parse(text_of(c.seen));
  if (!expected) return std::unexpected(expected.error());
  if (!seen) return std::unexpected(seen.error());
  SocketAddress plain = *seen;
  if (text.find(':') == std::string::npos) plain.port = 0;
  if (plain == *expected) return {};
  return differs(c.step.where(),
                 std::string(c.field) + " is " + seen->text() + ", expected " + text);
}

Status same_output(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(),
                 "output is\n" + text_of(c.seen) + "\nexpected\n" + text_of(c.expected));
}

Status same_context(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(),
                 "context is " + text_of(c.seen) + ", expected " + text_of(c.expected));
}

/// Bytes in hex, against a value as cases write it.
Status same_bytes(const std::string& where, const std::string& what, const Json& expected,
                  const std::string& hex) {
  auto bytes = encode_value(expected, hex.size() / 2, where);
  if (!bytes) return std::unexpected(bytes.error());
  if (hex_of(*bytes) == hex) return {};
  return differs(where, what + " is " + hex + ", expected " + hex_of(*bytes));
}

Status same_value(const Comparison& c) {
  return same_bytes(c.step.where(), "value", c.expected, text_of(c.seen));
}

/// Each entry that is expected was looked up: its value, or the result of the look-up.
Status same_entries(const Comparison& c) {
  for (size_t i = 0; i < c.expected.size(); ++i) {
    std::string where = c.place() + "[" + std::to_string(i) + "]";
    Reader entry(c.expected[i], where);
    entry.take("key");
    const Json* value = entry.take("value");
    if (auto done = entry.finish(); !done) return done;
    if (!value) return malformed(where + " needs a key and a value");
    if (i >= c.seen.size()) return malformed(where + " was not looked up");
    const Json& seen = c.seen[i];
    if (seen.contains("result"))
      return differs(where, "look-up gives " + result_text(seen.value("result", int64_t{0})));
    if (auto ok = same_bytes(where, "value", *value, text_of(seen["value"])); !ok) return ok;
  }
  return {};
}

Status all_absent(const Comparison& c) {
  for (size_t i = 0; i < c.expected.size() && i < c.seen.size(); ++i)
    if (c.seen[i] != true)
      return differs(c.step.where(), "there is an element " + c.expected[i].dump());
  return {};
}

Status same_count(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(), c.seen.dump() + " elements, expected " + c.expected.dump());
}

Status same_records(const Comparison& c) {
  if (!c.expected.is_array()) return malformed(c.place() + " is no list");
  if (c.seen.size() != c.expected.size())
    return differs(c.step.where(), std::to_string(c.seen.size()) + " records, expected " +
                                       std::to_string(c.expected.size()));
  for (size_t i = 0; i < c.expected.size(); ++i) {
    std::string hex = text_of(c.seen[i]), where = c.place() + "[" + std::to_string(i) + "]";
    auto wanted = encode_value(c.expected[i], hex.size() / 2, where);
    if (!wanted) return differs(c.step.where(), wanted.error().message);
    if (hex_of(*wanted) != hex)
      return differs(c.step.where(), "record " + std::to_string(i) + " is " + hex + ", expected " +
                                         hex_of(*wanted));
  }
  return {};
}

Status same_trace(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(), "the trace pipe has `" + text_of(c.seen) + "`, expected `" +
                                     text_of(c.expected) + "`");
}

Status trace_contains(const Comparison& c) {
  if (text_of(c.seen).find(text_of(c.expected)) != std::string::npos) return {};
  return differs(c.step.where(), "the trace pipe has `" + text_of(c.seen) + "`, without `" +
                                     text_of(c.expected) + "`");
}

Status same_perf(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(),
                 "perf records are " + c.seen.dump() + ", expected " + c.expected.dump());
}

Status same_effects(const Comparison& c) {
  if (c.seen == c.expected) return {};
  return differs(c.step.where(),
                 "effects are " + c.seen.dump() + ", expected " + c.expected.dump());
}

/// A field, how it is compared, and what is expected where a case does not say (null: nothing is).
struct Row {
  std::string_view field;
  Check check;
  const char* missing = nullptr;  // JSON
  std::string_view seen = {};     // the observation's field, where its name is another
};

constexpr Row kLoad[] = {{"verdict", same_verdict, "\"accepted\""},
                         {"errno", same_errno},
                         {"message", contains_message},
                         {"insns_processed", same_processed}};
constexpr Row kResult[] = {{"result", same_result, "0"}};
constexpr Row kCall[] = {{"fault", same_fault, "\"\""},
                         {"returns", same_returns},
                         {"skipped", same_skipped},
                         {"result", same_result}};
constexpr Row kHook[] = {{"fault", same_fault, "\"\""},
                         {"returns", same_returns},
                         {"skipped", same_skipped},
                         {"result", same_result, "0"}};
constexpr Row kTracepoint[] = {
    {"fault", same_fault, "\"\""}, {"returns", same_returns}, {"skipped", same_skipped}};
constexpr Row kIterate[] = {{"fault", same_fault, "\"\""},
                            {"returns", same_returns},
                            {"output", same_output},
                            {"result", same_result, "0"}};
constexpr Row kRun[] = {{"fault", same_fault, "\"\""},
                        {"returns", same_returns},
                        {"return", same_return},
                        {"context_after", same_context}};
constexpr Row kSocket[] = {
    {"fault", same_fault, "\"\""}, {"returns", same_returns}, {"result", same_result, "0"}};
constexpr Row kAddressed[] = {{"fault", same_fault, "\"\""},
                              {"returns", same_returns},
                              {"result", same_result, "0"},
                              {"rewritten", same_address},
                              {"source", same_address}};
constexpr Row kNamed[] = {{"fault", same_fault, "\"\""},
                          {"returns", same_returns},
                          {"result", same_result, "0"},
                          {"address", same_address}};
constexpr Row kMap[] = {{"entries", same_entries}, {"absent", all_absent}, {"count", same_count}};
constexpr Row kGlobal[] = {{"value", same_value}};
constexpr Row kRingbuf[] = {{"records", same_records}};
constexpr Row kOutput[] = {{"trace", same_trace},
                           {"contains", trace_contains, nullptr, "printed"},
                           {"perf", same_perf},
                           {"effects", same_effects}};

struct StepExpectations {
  std::string_view kind;
  std::span<const Row> rows;
};
constexpr StepExpectations kSteps[] = {
    {"load", kLoad},         {"attach", kResult},     {"detach", kResult},
    {"run", kRun},           {"socket", kSocket},     {"bind", kAddressed},
    {"connect", kAddressed}, {"sendmsg", kAddressed}, {"recvmsg", kAddressed},
    {"listen", kNamed},      {"getsockname", kNamed}, {"getpeername", kNamed},
    {"close", kNamed},       {"call", kCall},         {"tracepoint", kTracepoint},
    {"lsm", kHook},          {"iterate", kIterate},   {"map", kMap},
    {"global", kGlobal},     {"ringbuf", kRingbuf},   {"output", kOutput},
};

Status check_row(const Row& row, Reader& step, const Json& observed,
                 std::vector<std::string>& unseen) {
  const Json* expected = step.take(row.field);
  Json usual = row.missing ? Json::parse(row.missing) : Json();
  if (!expected && !row.missing) return {};
  auto seen = observed.find(row.seen.empty() ? row.field : row.seen);
  if (seen == observed.end()) {
    if (expected) unseen.emplace_back(row.field);
    return {};
  }
  return row.check({step, row.field, expected ? *expected : usual, *seen, observed});
}

}  // namespace

Result<std::vector<std::string>> check_observation(std::string_view kind, Reader& step,
                                                   const Json& observed) {
  std::vector<std::string> unseen;
  for (const StepExpectations& expectations : kSteps) {
    if (expectations.kind != kind) continue;
    // All fields are known, also when one of the first differs.
    for (const Row& row : expectations.rows) step.take(row.field);
    for (const Row& row : expectations.rows)
      if (auto ok = check_row(row, step, observed, unseen); !ok) return std::unexpected(ok.error());
  }
  return unseen;
}

}  // namespace drydock::cases
