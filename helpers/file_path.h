// SPDX-License-Identifier: Apache-2.0
// The text of a struct path, as bpf_d_path and bpf_path_d_path give it: the names of its dentries,
// up to one that is its own parent or has none. There is one mount in the emulated world, and every
// dentry is in it: nothing is ever "(deleted)".
#pragma once

#include <cstdint>

namespace drydock {

class Machine;

/// Bytes written with the NUL, or -ENAMETOOLONG. A fault is the machine's, and 0.
int64_t write_path(Machine& machine, uint64_t path, uint64_t buffer, uint64_t size);

}  // namespace drydock
