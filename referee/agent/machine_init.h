// SPDX-License-Identifier: Apache-2.0
// The agent as /init of a virtual machine: file systems mounted, the second serial port for its
// channel, power off at the end.
#pragma once

namespace drydock::agent {

/// Mounts what programs and libbpf look at and opens the channel; its descriptor, or -1.
int bring_up_machine();
[[noreturn]] void power_off();

}  // namespace drydock::agent
