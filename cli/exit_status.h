// SPDX-License-Identifier: Apache-2.0
// Exit statuses of the command; other tools read them (docs/cli.md).
#pragma once

#include "drydock/result.h"

namespace drydock::cli {

enum ExitStatus : int {
  kGood = 0,
  kRejected = 1,  // rejected, failed, different, or an object that cannot be loaded
  kUsage = 2,
  kUnsupported = 3,  // something that Drydock does not model, by name
  kInternalError = 4,
};

inline int exit_status_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kMalformed:
    case ErrorKind::kNotFound: return kRejected;
    case ErrorKind::kUnsupported: return kUnsupported;
    case ErrorKind::kUsage: return kUsage;
    case ErrorKind::kInternal: return kInternalError;
  }
  return kInternalError;
}

/// Of two outcomes the one that counts: a bug of ours first, then a rejection, then what could not
/// be told.
inline int worse(int a, int b) {
  auto rank = [](int s) {
    return s == kInternalError ? 4
           : s == kUsage       ? 3
           : s == kRejected    ? 2
           : s == kUnsupported ? 1
                               : 0;
  };
  return rank(a) >= rank(b) ? a : b;
}

}  // namespace drydock::cli
