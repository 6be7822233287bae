// SPDX-License-Identifier: Apache-2.0
// The whole library (docs/library.md): include this one. A Profile is a kernel as data; a Kernel is
// an emulated kernel of it; an Object is opened for a Kernel and its Programs are verified; a
// Session loads an Object, fires Events and returns Outcomes. Cases are the same from JSON.
#pragma once

#include "drydock/case.h"
#include "drydock/event.h"
#include "drydock/kernel.h"
#include "drydock/listing.h"
#include "drydock/object.h"
#include "drydock/profile.h"
#include "drydock/program.h"
#include "drydock/result.h"
#include "drydock/session.h"
#include "drydock/task.h"
#include "drydock/verdict.h"
#include "drydock/version.h"

namespace drydock {
// Users write drydock::Kernel. Inside of the library that name is the kernel's own.
using namespace api;
}  // namespace drydock
