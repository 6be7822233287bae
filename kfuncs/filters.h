// SPDX-License-Identifier: Apache-2.0
// Filters of kfunc sets: callers that are refused although their hook has the set.
// Kernel's counterpart: the `filter` of struct btf_kfunc_id_set.
#pragma once

#include "kfuncs/kfunc_row.h"

namespace drydock {

bool refuses_outside_sessions(const KfuncRow& row, const CallSite& site, const Profile& profile);
bool refuses_outside_lsm(const KfuncRow& row, const CallSite& site, const Profile& profile);
bool refuses_outside_iterators(const KfuncRow& row, const CallSite& site, const Profile& profile);
/// Queueing disciplines: which operation of Qdisc_ops may call what.
bool refuses_by_qdisc_operation(const KfuncRow& row, const CallSite& site, const Profile& profile);
/// Extensible schedulers: which operation of sched_ext_ops may call what, where the kernel checks
/// that at load time (older ones check when the call is made).
bool refuses_by_scheduler_operation(const KfuncRow& row, const CallSite& site,
                                    const Profile& profile);

}  // namespace drydock
