// SPDX-License-Identifier: Apache-2.0
// The structs that rows_*.cc define, for context.cc.
#pragma once

#include "contexts/context_rows.h"

namespace drydock::rows {

extern const ContextStruct kSkBuff, kXdpMd, kSkMsgMd, kSkReuseportMd, kBpfSkLookup;
extern const ContextStruct kBpfSock, kBpfSockAddr, kBpfSockOps, kBpfSockopt, kBpfSysctl,
    kBpfCgroupDevCtx, kBpfTcpSock, kBpfXdpSock, kBpfFlowKeys;
extern const ContextStruct kPtRegs, kTraceRecord, kRawTracepointArgs, kWritableTracepointArgs,
    kPerfEventData, kSyscallCtx, kNfCtx, kLirc, kTypedArguments, kExtended;

}  // namespace drydock::rows
