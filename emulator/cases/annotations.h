// SPDX-License-Identifier: Apache-2.0
// What the kernel's selftests say of themselves. Their programs carry their expectations as BTF
// declaration tags on the function ("comment:test_expect_failure", "comment:test_expect_msg=0=…");
// any program may be annotated so, and `drydock test FILE.bpf.o` reads such an object as cases.
//
// A program may be loaded in two ways: with every capability, and without (`@unpriv`). Tags that
// end in _unpriv are of the second; a way without expectations of its own takes over the other's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/btf.h"

namespace drydock {

/// Text to be found in a log. Parts between "{{" and "}}" are POSIX extended regular expressions;
/// the rest stands for itself.
struct LogPattern {
  std::string text;
  bool absent = false;  // must not occur up to the next pattern's match (__not_msg)
};

/// What is expected of one way of loading.
struct LoadExpectation {
  bool success = true;
  std::vector<LogPattern> messages;         // in order
  std::optional<int64_t> retval;            // of one BPF_PROG_TEST_RUN
  bool translated = false, jitted = false;  // the kernel's rewritten or machine code is expected
};

struct Annotations {
  std::string program, description;
  std::optional<LoadExpectation> privileged, unprivileged;  // the ways that are to be tried
  uint32_t log_level = 0, flags = 0;                        // of the load
  bool auxiliary = false;                  // serves other programs; is no case itself
  std::vector<std::string> architectures;  // empty: every one
  std::string btf_path;                    // __btf_path: relocated against another BTF
};

/// Flags that the selftests' own runner loads every program with, where the kernel knows them.
inline constexpr uint32_t kSelftestFlags = 1u << 2 | 1u << 7;  // TEST_RND_HI32, TEST_REG_INVARIANTS

/// The annotations of function `program` in a program's BTF; nullopt when it has none. An error
/// names the tag that cannot be read.
Result<std::optional<Annotations>> annotations_of(const Btf& btf, const std::string& program);

/// The BTF of an object file; null when it has none.
Result<std::shared_ptr<const Btf>> object_btf(std::span<const std::byte> elf);

/// Which pattern a log does not meet; "" when it meets all.
std::string unmet(const std::vector<LogPattern>& patterns, const std::string& log);

}  // namespace drydock
