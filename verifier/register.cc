// SPDX-License-Identifier: Apache-2.0
#include "verifier/register.h"

namespace drydock::verifier {

void Register::set_unknown_scalar() {
  type = kScalar;
  off = 0;
  clear_target();
  bounds = Bounds::unknown();
  id = ref_obj_id = frameno = 0;
  precise = false;
}

void Register::set_not_init() {
  set_unknown_scalar();
  type = kNotInit;
}

}  // namespace drydock::verifier
