// SPDX-License-Identifier: Apache-2.0
// Corrupted objects: every one gets an answer, and every program that is left of one a verdict.
// Seeds are fixed; DRYDOCK_LONG=1 takes ten thousand of each kind, else some hundreds. Worth most
// under the sanitizers (make test-asan).
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "emulator/syscall/standard_kernel.h"
#include "tests/emulator/bpf_kernel.h"

namespace drydock {
namespace {

int rounds() { return std::getenv("DRYDOCK_LONG") ? 10000 : 300; }

// Random bytes anywhere.
void scatter(std::vector<std::byte>& elf, std::mt19937& random) {
  for (int n = 1 + static_cast<int>(random() % 8); n > 0; --n)
    elf[random() % elf.size()] = static_cast<std::byte>(random());
}

// Words of the first kilobyte and the last, where headers and section tables are.
void aim_at_headers(std::vector<std::byte>& elf, std::mt19937& random) {
  size_t span = std::min<size_t>(elf.size(), 1024);
  size_t at = random() % span;
  if (random() & 1) at = elf.size() - 1 - at;
  elf[at] = static_cast<std::byte>(random() % 3 ? random() : random() % 2 ? 0xff : 0);
}

void cut(std::vector<std::byte>& elf, std::mt19937& random) { elf.resize(random() % elf.size()); }

void survive(void (*mutate)(std::vector<std::byte>&, std::mt19937&), unsigned seed) {
  auto kernel = make_kernel(default_profile());
  Loader loader(*kernel);
  std::mt19937 random(seed);
  int refused = 0, taken = 0;
  Options quickly;
  quickly.limits.wall_clock_ms = 500;
  for (const char* name : {"several", "core", "struct_ops"}) {
    const auto good = test_object(name);
    for (int i = 0; i < rounds() / 3; ++i) {
      auto bad = good;
      mutate(bad, random);
      auto object = loader.inspect(bad, "bad.o");
      (object ? taken : refused) += 1;
      if (!object) {
        EXPECT_EQ(object.error().kind, ErrorKind::kMalformed);
        EXPECT_FALSE(object.error().message.empty());
        continue;
      }
      for (const InspectedProgram& p : object->programs)
        if (p.program) {
          EXPECT_NE(kernel->verify(*p.program, quickly).kind, VerdictKind::kInternalError)
              << name << " " << i;
        }
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(kernel->descriptors().next_id(ObjectKind::kMap, 0), 0u) << "something was left behind";
  EXPECT_EQ(kernel->descriptors().next_id(ObjectKind::kProgram, 0), 0u);
}

TEST(Mutation, ScatteredBytes) { survive(scatter, 1); }
TEST(Mutation, Headers) { survive(aim_at_headers, 2); }
TEST(Mutation, Truncation) { survive(cut, 3); }

}  // namespace
}  // namespace drydock
