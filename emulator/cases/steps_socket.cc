// SPDX-License-Identifier: Apache-2.0
// Steps that are system calls on sockets.
#include "emulator/cases/case_context.h"

namespace drydock::cases {
namespace {

struct Word {
  std::string_view name;
  uint32_t value;
};
constexpr Word kFamilies[] = {{"unix", 1}, {"inet", 2}, {"inet6", 10}};
constexpr Word kTypes[] = {{"stream", 1}, {"dgram", 2}, {"raw", 3}};

Result<uint32_t> word(Reader& r, std::string_view field, std::span<const Word> words, uint32_t missing) {
  auto text = r.text(field);
  if (!text) return missing;
  for (const Word& w : words)
    if (w.name == *text) return w.value;
  std::string known;
  for (const Word& w : words) known += (known.empty() ? "" : ", ") + std::string(w.name);
  return malformed(r.where() + "." + std::string(field) + " is `" + *text + "`, not one of " + known);
}

Result<Json> observe(const Result<SocketCallResult>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  Json observed = {{"result", outcome->result}};
  if (auto ok = observe_runs(observed, outcome->runs); !ok) return std::unexpected(ok.error());
  return observed;
}

Result<Json> socket(CaseContext& c, Reader& r) {
  std::string name = r.required_text("name");
  auto family = word(r, "family", kFamilies, 2);
  auto type = word(r, "type", kTypes, 2);
  auto protocol = static_cast<uint32_t>(r.number("protocol").value_or(0));
  if (!family) return std::unexpected(family.error());
  if (!type) return std::unexpected(type.error());
  return observe(c.sockets().socket(name, *family, *type, protocol));
}

using AddressCall = Result<SocketCallResult> (SocketCalls::*)(const std::string&, const SocketAddress&);
template <AddressCall kCall>
Result<Json> with_address(CaseContext& c, Reader& r) {
  std::string name = r.required_text("socket");
  auto address = SocketAddress::parse(r.required_text("address"));
  if (!address) return malformed(r.where() + ": " + address.error().message);
  auto outcome = (c.sockets().*kCall)(name, *address);
  auto observed = observe(outcome);
  if (!observed) return observed;
  (*observed)["rewritten"] = outcome->address.text();
  (*observed)["source"] = outcome->source.text();
  return observed;
}

using PlainCall = Result<SocketCallResult> (SocketCalls::*)(const std::string&);
template <PlainCall kCall>
Result<Json> plain(CaseContext& c, Reader& r) {
  auto outcome = (c.sockets().*kCall)(r.required_text("socket"));
  auto observed = observe(outcome);
  if (!observed) return observed;
  (*observed)["address"] = outcome->address.text();
  return observed;
}

constexpr StepRow kSteps[] = {
    {"socket", socket},
    {"bind", with_address<&SocketCalls::bind>},
    {"connect", with_address<&SocketCalls::connect>},
    {"sendmsg", with_address<&SocketCalls::sendmsg>},
    {"recvmsg", with_address<&SocketCalls::recvmsg>},
    {"listen", plain<&SocketCalls::listen>},
    {"getsockname", plain<&SocketCalls::getsockname>},
    {"getpeername", plain<&SocketCalls::getpeername>},
    {"close", plain<&SocketCalls::close>},
};

}  // namespace

std::span<const StepRow> socket_steps() { return kSteps; }

}  // namespace drydock::cases
