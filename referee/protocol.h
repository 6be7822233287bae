// SPDX-License-Identifier: Apache-2.0
// What the driver and the agent say to each other: JSON objects, one a line, each with one field
// that names it.
//
//   driver: {"ask": {...}}                the programs of an object, from number `first` on
//           {"case": {...}}               a case, with the contents of its object beside it
//           {"calls": {...}}              a program a function that it calls, each loaded by itself
//           {"maps": true}                which map types can be created
//           {"symbols": true}             /proc/kallsyms, without addresses and modules
//           {"quit": true}                the end; in a virtual machine, power off
//   agent:  {"hello": {"protocol", "release"}}
//           {"loading": {"index", "program"}}  before anything of it reaches the kernel, so that
//                                         the driver knows which program took the kernel down
//           {"answer": {...}}             what the kernel said
//           {"observed": {...}}           a case's steps
//           {"called": {"base", "messages", "answers"}}, {"types": [...]}, {"packed": hex of zstd}
//           {"done": true}                the request is finished
//           {"trouble": "why"}            the request cannot be served
//
// A line that is no such object is damage, and ends the conversation.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "referee/target.h"

namespace drydock::referee {

using Json = nlohmann::ordered_json;

inline constexpr int kProtocol = 1;

/// A request to load the programs of one object, each on its own.
struct AskRequest {
  std::string path;    // where the agent finds it
  std::string object;  // what the answers call it
  AskOptions options;
  uint32_t first = 0;  // programs before this one were answered already
};

/// A request to load `call F; r0 = RETURNS; exit` for each function F.
struct CallsRequest {
  uint32_t type = 0, attach_type = 0, flags = 0, attach_btf_id = 0;  // of BPF_PROG_LOAD
  int32_t returns = 0;
  bool kfuncs = false;  // functions are BTF ids of vmlinux, not helpers' numbers
  std::vector<uint32_t> functions;
};

/// A message: its name, and what it carries.
struct Message {
  std::string kind;
  Json content;
};

/// One line, its end included. Bytes that are no UTF-8 (a log may hold a program's) are replaced.
std::string to_line(std::string_view kind, const Json& content);
/// nullopt for what is no message.
std::optional<Message> from_line(std::string_view line);

Json to_json(const Answer& answer);
Result<Answer> answer_from(const Json& json);
Json to_json(const AskRequest& request);
Json to_json(const CallsRequest& request);
Result<CallsRequest> calls_request_from(const Json& json);
Result<AskRequest> ask_request_from(const Json& json);

}  // namespace drydock::referee
