// SPDX-License-Identifier: Apache-2.0
// Result, Status and Error. An installed tree has that header itself in this one's place.
#pragma once

#include "base/result.h"
