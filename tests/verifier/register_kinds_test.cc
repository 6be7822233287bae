// SPDX-License-Identifier: Apache-2.0
// Every kind of register given to every kind of helper argument: the verdict and the message of
// each kernel that there is a table of (corpus/tables/KERNEL/register-kinds.txt), and of the
// running kernel where it can be asked.
#include <gtest/gtest.h>

#include <algorithm>

#include "answers/answer_table.h"
#include "answers/host_bpf.h"
#include "answers/ledger.h"
#include "answers/register_questions.h"
#include "maps/map.h"
#include "verifier/verify.h"

namespace drydock::testing {
namespace {

constexpr int kFirstFd = 100;

class Maps : public FdTable {
 public:
  Maps(const RegisterBtf& types, const Profile& profile) : profile_(profile) {
    btf_ = *Btf::parse(types.bytes);
    for (const RegisterMap& map : register_maps()) add(map, types);
  }
  std::shared_ptr<const MapInfo> map(int fd, int* err) override {
    const size_t index = static_cast<size_t>(fd - kFirstFd);
    if (index < maps_.size()) return maps_[index];
    *err = EBADF;
    return nullptr;
  }
  std::shared_ptr<const Btf> btf(int, int* err) override { return *err = EBADF, nullptr; }
  const std::shared_ptr<const Btf>& program_btf() const { return btf_; }

 private:
  void add(const RegisterMap& map, const RegisterBtf& types) {
    MapSpec spec{.type = map.type,
                 .name = map.word,
                 .key_size = map.key_size,
                 .value_size = map.value_size,
                 .max_entries = map.max_entries,
                 .map_flags = map.flags};
    if (map.type == MapType::kArrayOfMaps) spec.inner = maps_[0];
    if (map.btf != RegisterMap::kNone) {
      spec.btf = btf_;
      spec.btf_key_type_id = types.number;
      spec.btf_value_type_id = map.btf == RegisterMap::kFields ? types.fields : types.number + 1;
    }
    auto made = Map::create(spec, memory_);
    ASSERT_TRUE(made) << map.word << ": " << made.error().message;
    if (map.btf == RegisterMap::kFields) {
      auto record = parse_map_fields(*btf_, types.fields, ~FieldKinds{0}, map.value_size, profile_);
      // Without it the answers differ, and the ledger has to say why.
      if (record) (*made)->record = std::move(*record);
    }
    if (map.word == std::string_view(kFrozenMap)) {
      const uint32_t key = 0;
      (*made)->user_update(std::as_bytes(std::span(&key, 1)), std::as_bytes(std::span(kFrozenText)),
                           0);
      (*made)->frozen = true;
    }
    maps_.push_back(*made);
  }

  const Profile& profile_;
  Memory memory_;
  std::shared_ptr<const Btf> btf_;
  std::vector<std::shared_ptr<Map>> maps_;
};

std::string in_words(const Verdict& v) {
  switch (v.kind) {
    case VerdictKind::kAccepted: return "ok";
    case VerdictKind::kRejected: return v.message;
    case VerdictKind::kUnsupported: return "unsupported: " + v.message;
    case VerdictKind::kMalformed: return "malformed: " + v.message;
    case VerdictKind::kInternalError: return "internal error: " + v.message;
  }
  return "";
}

/// What stands last in the log of a program that is refused without a word.
std::string last_instruction(const ProgramInput& input, const Profile& profile, Maps& maps) {
  return std::string(final_line(verify(input, profile, maps, {.log_level = 1}).log));
}

/// Our table, as a kernel with that BTF would have it.
std::string our_table(const Profile& profile) {
  const RegisterBtf types = register_btf();
  Maps maps(types, profile);
  RegisterNames names;
  for (size_t i = 0; i < register_maps().size(); ++i)
    names.map_fds.push_back(kFirstFd + static_cast<int>(i));
  find_variables(*profile.btf(), &names);
  return register_table(names, [&](const RegisterProgram& program) {
    ProgramInput input{.insns = program.insns,
                       .type = ProgramType::kSchedCls,
                       .license = "GPL",
                       .btf = maps.program_btf()};
    for (uint32_t start : program.functions) input.func_info.push_back({start, types.function});
    const Verdict verdict = verify(input, profile, maps);
    if (verdict.kind == VerdictKind::kRejected && verdict.message.empty())
      return last_instruction(input, profile, maps);
    return in_words(verdict);
  });
}

class RegisterKinds : public ::testing::TestWithParam<std::string_view> {};

// 5.10 has not all the types of maps that the programs use: it was not asked.
TEST_P(RegisterKinds, AsTheKernelAnswers) {
  Sections theirs = read_table(GetParam(), "register-kinds");
  if (theirs.empty()) GTEST_SKIP() << "skipped: " << GetParam() << " was not asked";
  TableComparison found(GetParam(), "register-kinds");
  for (const auto& [section, body] : read_sections(our_table(**Profile::load(GetParam())))) {
    Answers kernels = read_answers("register-kinds", theirs[section]);
    for (const auto& [value, message] : read_answers("register-kinds", body))
      found.compare(section, value, kernels[value], message);
  }
  EXPECT_EQ(found.complaints(), "");
  EXPECT_GT(found.asked(), 1'000u);
}

INSTANTIATE_TEST_SUITE_P(Tables, RegisterKinds, ::testing::ValuesIn(kKernels),
                         [](const auto& info) {
                           std::string name = "Linux" + std::string(info.param);
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

TEST(RegisterKindsHere, AsTheRunningKernelAnswers) {
  auto profile = Profile::load("host");
  if (!profile) GTEST_SKIP() << "skipped: " << profile.error().message;
  RegisterHost host(**profile);
  if (!host.why().empty()) GTEST_SKIP() << "skipped: " << host.why();
  const std::string theirs =
      register_table(host.names(), [&](const RegisterProgram& p) { return host.ask(p); });
  EXPECT_EQ(difference(theirs, our_table(**profile)), "");
}

}  // namespace
}  // namespace drydock::testing
