// SPDX-License-Identifier: Apache-2.0
#include "referee/protocol.h"

namespace drydock::referee {
namespace {

/// Takes fields out of a message; a missing or mistyped one is remembered as the failure.
class Fields {
 public:
  Fields(const Json& json, std::string_view what) : json_(json), what_(what) {}

  template <class T>
  void take(const char* name, T& out) {
    auto field = json_.is_object() ? json_.find(name) : json_.end();
    if (field == json_.end()) return fail(name);
    if constexpr (std::is_same_v<T, std::string>) {
      if (!field->is_string()) return fail(name);
    } else if constexpr (std::is_same_v<T, bool>) {
      if (!field->is_boolean()) return fail(name);
    } else if (!field->is_number_integer()) {
      return fail(name);
    }
    out = field->template get<T>();
  }
  bool has(const char* name) const { return json_.is_object() && json_.contains(name); }
  Status finish() const {
    if (wrong_.empty()) return {};
    return malformed(std::string(what_) + " has no proper field `" + wrong_ + "`");
  }

 private:
  void fail(const char* name) {
    if (wrong_.empty()) wrong_ = name;
  }
  const Json& json_;
  std::string_view what_;
  std::string wrong_;
};

}  // namespace

std::string to_line(std::string_view kind, const Json& content) {
  Json message;
  message[std::string(kind)] = content;
  return message.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<Message> from_line(std::string_view line) {
  Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || json.size() != 1) return std::nullopt;
  return Message{json.begin().key(), json.begin().value()};
}

Json to_json(const Answer& a) {
  Json json = {{"kind", name_of(a.kind)},      {"object", a.object},
               {"program", a.program},         {"program_type", a.program_type},
               {"attach_type", a.attach_type}, {"errno", a.err},
               {"message", a.message}};
  if (a.verifier_spoke) {
    json["insns"] = a.insns_processed;
    json["total_states"] = a.total_states;
    json["peak_states"] = a.peak_states;
    json["max_states"] = a.max_states_per_insn;
    json["stack_depth"] = a.stack_depth;
    json["us"] = a.duration_us;
  }
  if (!a.log.empty()) json["log"] = a.log;
  if (a.retval) json["retval"] = *a.retval;
  return json;
}

Result<Answer> answer_from(const Json& json) {
  Answer a;
  std::string kind;
  Fields fields(json, "an answer");
  fields.take("kind", kind);
  fields.take("object", a.object);
  fields.take("program", a.program);
  fields.take("program_type", a.program_type);
  fields.take("attach_type", a.attach_type);
  fields.take("errno", a.err);
  fields.take("message", a.message);
  a.verifier_spoke = fields.has("insns");
  if (a.verifier_spoke) {
    fields.take("insns", a.insns_processed);
    fields.take("total_states", a.total_states);
    fields.take("peak_states", a.peak_states);
    fields.take("max_states", a.max_states_per_insn);
    fields.take("stack_depth", a.stack_depth);
    fields.take("us", a.duration_us);
  }
  if (fields.has("log")) fields.take("log", a.log);
  if (fields.has("retval")) fields.take("retval", a.retval.emplace());
  if (auto done = fields.finish(); !done) return std::unexpected(done.error());
  auto known = answer_kind_named(kind);
  if (!known) return malformed("an answer is of no known kind: " + kind);
  a.kind = *known;
  return a;
}

Json to_json(const AskRequest& r) {
  return {{"path", r.path},
          {"object", r.object},
          {"first", r.first},
          {"log_level", r.options.log_level},
          {"keep_log", r.options.keep_log},
          {"seconds", r.options.seconds_each},
          {"only", r.options.only_program},
          {"fix_ups", r.options.fix_ups},
          {"unprivileged", r.options.unprivileged},
          {"flags", r.options.program_flags},
          {"run_once", r.options.run_once}};
}

Result<AskRequest> ask_request_from(const Json& json) {
  AskRequest r;
  Fields fields(json, "a request");
  fields.take("path", r.path);
  fields.take("object", r.object);
  fields.take("first", r.first);
  fields.take("log_level", r.options.log_level);
  fields.take("keep_log", r.options.keep_log);
  fields.take("seconds", r.options.seconds_each);
  fields.take("only", r.options.only_program);
  fields.take("fix_ups", r.options.fix_ups);
  fields.take("unprivileged", r.options.unprivileged);
  fields.take("flags", r.options.program_flags);
  fields.take("run_once", r.options.run_once);
  if (auto done = fields.finish(); !done) return std::unexpected(done.error());
  return r;
}

Json to_json(const CallsRequest& r) {
  return {{"type", r.type},          {"attach", r.attach_type},
          {"flags", r.flags},        {"btf_id", r.attach_btf_id},
          {"returns", r.returns},    {"kfuncs", r.kfuncs},
          {"functions", r.functions}};
}

Result<CallsRequest> calls_request_from(const Json& json) {
  CallsRequest r;
  Fields fields(json, "a request");
  fields.take("type", r.type);
  fields.take("attach", r.attach_type);
  fields.take("flags", r.flags);
  fields.take("btf_id", r.attach_btf_id);
  fields.take("returns", r.returns);
  fields.take("kfuncs", r.kfuncs);
  if (auto done = fields.finish(); !done) return std::unexpected(done.error());
  for (const Json& function : json.value("functions", Json::array())) {
    if (!function.is_number_unsigned()) return malformed("a request names what is no function");
    r.functions.push_back(function.get<uint32_t>());
  }
  return r;
}

}  // namespace drydock::referee
