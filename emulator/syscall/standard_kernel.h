// SPDX-License-Identifier: Apache-2.0
// The emulated kernel as everybody wants it: with the project's own verifier.
#pragma once

#include <memory>

#include "emulator/syscall/kernel.h"

namespace drydock {

/// Settings with drydock::verify as the verifier and the emulator's BPF_PROG_TEST_RUN.
Kernel::Settings standard_settings();
std::unique_ptr<Kernel> make_kernel(std::shared_ptr<const Profile> profile);

}  // namespace drydock
