// SPDX-License-Identifier: Apache-2.0
// Failures are values. A function that input can make fail returns Result<T> (or Status); an
// exception is for nothing that input can cause.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace drydock {

/// What kind of failure it was; the command maps these to exit statuses (docs/cli.md).
enum class ErrorKind {
  kMalformed,    // the input (object, BTF, JSON, text) is not well formed
  kUnsupported,  // well formed, but Drydock does not model what it asks for; the message names it
  kNotFound,     // a named file, program, kernel, type or map does not exist
  kUsage,        // the caller combined arguments that do not go together
  kInternal,     // a Drydock bug
};

/// A failure: the kind, a message that says what and where, and the errno that a kernel would
/// have given (0 where no kernel is asked).
struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;
  int err = 0;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

inline std::unexpected<Error> malformed(std::string message) {
  return std::unexpected(Error{ErrorKind::kMalformed, std::move(message)});
}
inline std::unexpected<Error> unsupported(std::string message) {
  return std::unexpected(Error{ErrorKind::kUnsupported, std::move(message)});
}
inline std::unexpected<Error> not_found(std::string message) {
  return std::unexpected(Error{ErrorKind::kNotFound, std::move(message)});
}

}  // namespace drydock
