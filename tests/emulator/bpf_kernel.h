// SPDX-License-Identifier: Apache-2.0
// Kernels for the tests of the loader and of bpf(2): a verifier that accepts, so that what is
// tested is the way to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "emulator/loader/object.h"
#include "emulator/syscall/kernel.h"

namespace drydock {

inline Verdict accept_everything(const ProgramInput&, const Profile&, FdTable&, const Options&) {
  Verdict verdict;
  verdict.kind = VerdictKind::kAccepted;
  return verdict;
}

inline std::shared_ptr<const Profile> default_profile() { return Profile::load("6.18").value(); }

inline std::unique_ptr<Kernel> trusting_kernel(
    std::shared_ptr<const Profile> profile = default_profile()) {
  return std::make_unique<Kernel>(std::move(profile),
                                  Kernel::Settings{.verifier = accept_everything});
}

inline std::vector<std::byte> test_object(const std::string& name) {
  auto bytes = read_file(std::string(DRYDOCK_TEST_OBJECTS "/") + name + ".bpf.o");
  EXPECT_TRUE(bytes.has_value()) << (bytes ? "" : bytes.error().message);
  return bytes.value_or(std::vector<std::byte>{});
}

}  // namespace drydock
