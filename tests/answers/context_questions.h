// SPDX-License-Identifier: Apache-2.0
// Every way in which a program can touch its context, asked one by one: each program type and
// attach type, each byte offset to 8 past the end, each width, and load, sign-extending load, store
// of a register and of an immediate. The answers come out as text, whoever gives them.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "answers/host_bpf.h"
#include "contexts/context.h"
#include "contexts/context_rows.h"

namespace drydock::testing {

enum class Touch { kLoad, kLoadSigned, kStoreRegister, kStoreImmediate };

struct ContextQuestion {
  ProgramType type{};
  AttachType attach{};
  int16_t offset = 0;
  uint32_t width = 0;
  Touch touch{};
};

using ContextOracle = std::function<bool(const ContextQuestion&)>;

/// The answers for a context struct: by "program_type attach_type" the touches and widths that are
/// good, and where: "load 4: 0-28 40". "nothing" where the kernel does not load such programs.
std::map<std::string, std::string> ask_about(const ContextStruct& context,
                                             const ContextOracle& oracle);

/// What the rows say, in a kernel of that profile.
ContextOracle context_rows_oracle(const Profile& profile);
/// What one says who is given a small program for each question: host() or a verifier.
ContextOracle context_oracle(Asked asked);

/// What pointers that programs get from their contexts and from helpers lead to: sockets, and the
/// keys of a flow dissector.
enum class Pointee { kSockCommon, kSocket, kTcpSock, kXdpSock, kFlowKeys };
inline constexpr Pointee kPointees[] = {Pointee::kSockCommon, Pointee::kSocket, Pointee::kTcpSock,
                                        Pointee::kXdpSock, Pointee::kFlowKeys};
std::string_view name_of(Pointee pointee);

struct PointerQuestion {
  Pointee pointee{};
  int16_t offset = 0;
  uint32_t width = 0;
  Touch touch{};
};
using PointerOracle = std::function<bool(const PointerQuestion&)>;

/// The same lines for a pointer, each byte offset from 8 before it to 8 past the end.
std::string ask_about(Pointee pointee, const PointerOracle& oracle);
/// What the rows say (of sockets; the dissector's keys are an interval).
bool rows_admit(const PointerQuestion& question);
/// `xskmap` is a descriptor of a map of XDP sockets.
PointerOracle pointer_oracle(Asked asked, int xskmap);

/// File name for a context's answers: "context-bpf_sock".
std::string table_name(const ContextStruct& context);

}  // namespace drydock::testing
