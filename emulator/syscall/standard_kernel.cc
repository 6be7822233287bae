// SPDX-License-Identifier: Apache-2.0
#include "emulator/syscall/standard_kernel.h"

#include "emulator/events/test_run.h"

namespace drydock {

Kernel::Settings standard_settings() {
  return {.verifier = verify, .test_runner = make_test_runner()};
}

std::unique_ptr<Kernel> make_kernel(std::shared_ptr<const Profile> profile) {
  return std::make_unique<Kernel>(std::move(profile), standard_settings());
}

}  // namespace drydock
