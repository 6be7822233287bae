// SPDX-License-Identifier: Apache-2.0
// Steps that are system calls on sockets.
#include "emulator/cases/case_context.h"
#include "emulator/events/socket_words.h"

namespace drydock::cases {
namespace {

Result<Json> observe(const Result<SocketCallResult>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  Json observed = {{"result", outcome->result}};
  if (auto ok = observe_runs(observed, outcome->runs); !ok) return std::unexpected(ok.error());
  return observed;
}

Result<Json> socket(CaseContext& c, Reader& r) {
  std::string name = r.required_text("name");
  auto family = socket_family_named(r.text("family").value_or("inet"));
  auto type = socket_type_named(r.text("type").value_or("dgram"));
  auto protocol = static_cast<uint32_t>(r.number("protocol").value_or(0));
  if (!family) return malformed(r.where() + ".family" + family.error().message);
  if (!type) return malformed(r.where() + ".type" + type.error().message);
  return observe(c.sockets().socket(name, *family, *type, protocol));
}

using AddressCall = Result<SocketCallResult> (SocketCalls::*)(const std::string&,
                                                              const SocketAddress&);
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
