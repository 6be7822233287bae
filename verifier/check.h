// SPDX-License-Identifier: Apache-2.0
// The outcome of a check: fine, or an errno. The text of a rejection is already in the log by
// then (Env::reject), as in the kernel, so this stays one int.
#pragma once

namespace drydock::verifier {

class [[nodiscard]] Check {
 public:
  constexpr Check() = default;
  static constexpr Check ok() { return {}; }
  /// `err` is a positive errno.
  static constexpr Check error(int err) {
    Check c;
    c.err_ = err;
    return c;
  }
  constexpr bool failed() const { return err_ != 0; }
  constexpr int err() const { return err_; }

 private:
  int err_ = 0;
};

/// Returns from the enclosing function (which returns a Check) when the expression fails.
#define DRYDOCK_TRY(expression)                                                           \
  do {                                                                                    \
    if (::drydock::verifier::Check check_ = (expression); check_.failed()) return check_; \
  } while (0)

}  // namespace drydock::verifier
