// SPDX-License-Identifier: Apache-2.0
// Every kind of register given to every kind of helper argument: the verdict and the message of
// Linux 6.18 (corpus/tables/register-kinds.txt), and of the running kernel where it can be asked.
#include <gtest/gtest.h>

#include "answers/answer_table.h"
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
    MapSpec spec{.type = map.type, .name = map.word, .key_size = map.key_size,
                 .value_size = map.value_size, .max_entries = map.max_entries, .map_flags = map.flags};
    if (map.type == MapType::kArrayOfMaps) spec.inner = maps_[0];
    if (map.btf != RegisterMap::kNone) {
      spec.btf = btf_;
      spec.btf_key_type_id = types.number;
      spec.btf_value_type_id = map.btf == RegisterMap::kFields ? types.fields : types.number + 1;
    }
    auto made = Map::create(spec, memory_);
    ASSERT_TRUE(made) << map.word << ": " << made.error().message;
    if (map.btf == RegisterMap::kFields) {
      auto record = parse_btf_fields(*btf_, types.fields, ~FieldKinds{0}, map.value_size, *profile_.btf(),
                                     profile_.modules());
      ASSERT_TRUE(record) << record.error().message;
      (*made)->record = std::move(*record);
    }
    if (map.word == std::string_view(kFrozenMap)) {
      const uint32_t key = 0;
      (*made)->user_update(std::as_bytes(std::span(&key, 1)), std::as_bytes(std::span(kFrozenText)), 0);
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

/// Our table, as a kernel with that BTF would have it.
std::string our_table(const Profile& profile) {
  const RegisterBtf types = register_btf();
  Maps maps(types, profile);
  RegisterNames names;
  for (size_t i = 0; i < register_maps().size(); ++i) names.map_fds.push_back(kFirstFd + static_cast<int>(i));
  find_variables(*profile.btf(), &names);
  return register_table(names, [&](const RegisterProgram& program) {
    ProgramInput input{.insns = program.insns, .type = ProgramType::kSchedCls, .license = "GPL",
                       .btf = maps.program_btf()};
    for (uint32_t start : program.functions) input.func_info.push_back({start, types.function});
    return in_words(verify(input, profile, maps));
  });
}

TEST(RegisterKinds, AsLinux618Answers) {
  const std::string table = read_table("register-kinds");
  std::string theirs = table.substr(table.find('['));
  EXPECT_EQ(difference(theirs, our_table(**Profile::load("6.18"))), "");
}

TEST(RegisterKinds, AsTheRunningKernelAnswers) {
  RegisterHost host;
  if (!host.why().empty()) GTEST_SKIP() << "skipped: " << host.why();
  const std::string theirs =
      register_table(host.names(), [&](const RegisterProgram& p) { return host.ask(p); });
  EXPECT_EQ(difference(theirs, our_table(**Profile::load("host"))), "");
}

}  // namespace
}  // namespace drydock::testing
