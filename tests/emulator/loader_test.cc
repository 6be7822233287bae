// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "kernel/profile_builder.h"
#include "tests/emulator/bpf_kernel.h"

namespace drydock {
namespace {

template <class T>
T global(const LoadedObject& object, const char* map, size_t at) {
  T value{};
  const auto* found = object.map(map);
  EXPECT_NE(found, nullptr) << map;
  if (!found) return value;
  std::vector<std::byte> bytes(found->object->map->value_size);
  uint32_t key = 0;
  EXPECT_EQ(found->object->map->user_lookup(std::as_bytes(std::span(&key, 1)), bytes, 0), 0);
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

TEST(Inspect, EveryProgramOnItsOwn) {
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto object = loader.inspect(test_object("several"), "several.bpf.o").value();
  ASSERT_EQ(object.programs.size(), 5u);
  auto find = [&](std::string_view name) {
    return *std::ranges::find(object.programs, name, &InspectedProgram::name);
  };

  InspectedProgram connect4 = find("connect4");
  EXPECT_EQ(connect4.section, "cgroup/connect4");
  EXPECT_EQ(connect4.type, ProgramType::kCgroupSockAddr);
  EXPECT_EQ(connect4.attach_type, AttachType::kCgroupInet4Connect);
  ASSERT_NE(connect4.program, nullptr);
  EXPECT_EQ(connect4.program->input.func_info.size(), 2u);  // the subprogram came with it
  EXPECT_FALSE(connect4.program->input.line_info.empty());
  EXPECT_NE(connect4.program->input.btf, nullptr);
  EXPECT_EQ(connect4.program->input.license, "GPL");

  InspectedProgram optional = find("optional");
  EXPECT_FALSE(optional.autoload);
  ASSERT_NE(optional.program, nullptr);

  InspectedProgram file_open = find("file_open");
  ASSERT_NE(file_open.program, nullptr);
  EXPECT_EQ(kernel->profile().btf()->name_of(file_open.program->input.attach_btf_id),
            "bpf_lsm_file_open");

  InspectedProgram lost = find("lost");
  EXPECT_EQ(lost.program, nullptr);
  EXPECT_EQ(lost.error.kind, ErrorKind::kMalformed);
  EXPECT_NE(lost.error.message.find("no_such_function_anywhere"), std::string::npos)
      << lost.error.message;

  EXPECT_NE(find("last").program, nullptr);  // behind the one that failed
}

// As a 7.2.12 kernel makes libbpf say.
TEST(Inspect, VariablesWithALockAreNotMapped) {
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto object = loader.inspect(test_object("mapped_lock"), "mapped_lock.bpf.o");
  ASSERT_TRUE(object) << object.error().message;
  ASSERT_EQ(object->programs.size(), 1u);
  EXPECT_EQ(object->programs[0].program, nullptr);
  EXPECT_EQ(object->programs[0].error.message,
            "mapped_lock.bpf.o: map '.data.guarded': failed to re-mmap() contents: -ENOTSUPP");
}

TEST(Inspect, ProgramsOutliveTheObjectAndItsDescriptors) {
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto object = loader.inspect(test_object("several"), "several.bpf.o").value();
  const ProgramObject& program = *object.programs[0].program;
  size_t maps = 0;
  for (const isa::Insn& insn : program.input.insns)
    if (insn.code == 0x18 && (insn.src == isa::kPseudoMapFd || insn.src == isa::kPseudoMapValue)) {
      int err = 0;
      EXPECT_NE(program.fds->map(insn.imm, &err), nullptr) << err;
      ++maps;
    }
  EXPECT_GE(maps, 3u);
  EXPECT_EQ(kernel->descriptors().next_id(ObjectKind::kProgram, 0), object.programs[0].program->id);
  object = {};
  EXPECT_EQ(kernel->descriptors().next_id(ObjectKind::kProgram, 0), 0u);
  EXPECT_EQ(kernel->descriptors().next_id(ObjectKind::kMap, 0), 0u);
}

TEST(Inspect, StructOpsProgramsEachWithTheMap) {
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto object = loader.inspect(test_object("struct_ops"), "struct_ops.bpf.o").value();
  ASSERT_EQ(object.programs.size(), 3u);
  for (const InspectedProgram& program : object.programs) {
    ASSERT_NE(program.program, nullptr) << program.name << ": " << program.error.message;
    EXPECT_EQ(program.type, ProgramType::kStructOps);
    EXPECT_EQ(kernel->profile().btf()->name_of(program.program->input.attach_btf_id),
              "tcp_congestion_ops");
  }
}

TEST(Load, AsksTheProfileForEverything) {
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto loaded = loader.load(test_object("core"), "core.bpf.o");
  ASSERT_TRUE(loaded) << loaded.error().message;
  // Config and version are constants of the object's own .kconfig map, kernel symbols of its text.
  EXPECT_EQ(global<int>(**loaded, ".kconfig", 0) == 250 ||
                global<int>(**loaded, ".kconfig", 4) == 250 ||
                global<int>(**loaded, ".kconfig", 8) == 250,
            true);
  int version = 6 << 16 | 18 << 8 | 15;
  EXPECT_TRUE(global<int>(**loaded, ".kconfig", 0) == version ||
              global<int>(**loaded, ".kconfig", 4) == version ||
              global<int>(**loaded, ".kconfig", 8) == version);
  const Btf& btf = *kernel->profile().btf();
  const BtfType& task = *btf.type(btf.find("task_struct", BtfKind::kStruct));
  int32_t pid = -1;
  for (const BtfMember& m : task.members())
    if (btf.name_of(m) == "pid") pid = static_cast<int32_t>(m.offset / 8);
  ASSERT_GT(pid, 0);
  const auto& insns = (*loaded)->program("look")->object->input.insns;
  EXPECT_TRUE(std::ranges::any_of(insns, [pid](const isa::Insn& i) { return i.imm == pid; }));
}

TEST(Load, GlobalDataHasItsInitialValues) {
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto loaded = loader.load(test_object("several"), "several.bpf.o", {.programs = {"connect4"}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(global<int>(**loaded, ".rodata", 0), 7);
  EXPECT_EQ(global<int>(**loaded, ".data", 0), 3);
  const auto* rodata = (*loaded)->map(".rodata");
  EXPECT_EQ(rodata->kernel_name, "several.rodata");
  EXPECT_TRUE(rodata->object->map->frozen);
  EXPECT_EQ((*loaded)->program("last")->fd, -1);
  EXPECT_GE((*loaded)->program("connect4")->fd, 0);
  EXPECT_EQ((*loaded)->map("bare")->object->map->max_entries, 1u);
  EXPECT_EQ((*loaded)->program("none"), nullptr);
}

TEST(Load, UnknownNamesAreNotFound) {
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto loaded = loader.load(test_object("several"), "several.bpf.o", {.programs = {"absent"}});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::kNotFound);
  loaded = loader.load(test_object("several"), "several.bpf.o", {.maps = {{"absent", 1}}});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::kNotFound);
}

TEST(Load, TwoKernelsInOneProcess) {
  // The second kernel differs in what an object asks: release and config.
  auto first = default_profile();
  ProfileParts parts;
  parts.name = "other";
  parts.release = "6.12.1-other";
  parts.config = first->config_text();
  parts.config.replace(parts.config.find("CONFIG_HZ=250"), 13, "CONFIG_HZ=777");
  parts.btf.assign(first->btf()->bytes().begin(), first->btf()->bytes().end());
  auto one = trusting_kernel(first),
       two = trusting_kernel(ProfileBuilder::build(std::move(parts)).value());
  Loader to_one(*one), to_two(*two);
  auto in_one = to_one.load(test_object("core"), "core.bpf.o");
  auto in_two = to_two.load(test_object("core"), "core.bpf.o");
  ASSERT_TRUE(in_one) << in_one.error().message;
  ASSERT_TRUE(in_two) << in_two.error().message;
  auto words = [](const LoadedObject& object) {
    std::vector<int> out;
    for (size_t at = 0; at + 4 <= object.map(".kconfig")->object->map->value_size; at += 4)
      out.push_back(global<int>(object, ".kconfig", at));
    return out;
  };
  auto has = [](const std::vector<int>& all, int value) {
    return std::ranges::count(all, value) > 0;
  };
  EXPECT_TRUE(has(words(**in_one), 250) && has(words(**in_one), 6 << 16 | 18 << 8 | 15));
  EXPECT_TRUE(has(words(**in_two), 777) && has(words(**in_two), 6 << 16 | 12 << 8 | 1));
  EXPECT_EQ(one->object<MapObject>((*in_two)->map(".kconfig")->fd), nullptr);
}

TEST(Malformed, SaysWhatLibbpfSays) {
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto endian = loader.inspect(test_object("big_endian"), "big_endian.bpf.o").value();
  ASSERT_EQ(endian.programs.size(), 1u);
  EXPECT_EQ(endian.programs[0].program, nullptr);
  EXPECT_NE(endian.programs[0].error.message.find("endian"), std::string::npos)
      << endian.programs[0].error.message;

  std::vector<std::byte> junk(100, std::byte{'x'});
  auto bad = loader.inspect(junk, "junk.o");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, ErrorKind::kMalformed);
  EXPECT_TRUE(bad.error().message.starts_with("junk.o: "));
  EXPECT_FALSE(loader.inspect({}, "empty.o"));
}

TEST(Malformed, NoLicenseIsAnEmptyOne) {
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto object = loader.inspect(test_object("no_license"), "no_license.bpf.o").value();
  ASSERT_NE(object.programs.at(0).program, nullptr);
  EXPECT_EQ(object.programs[0].program->input.license, "");
}

TEST(Malformed, EveryTruncationIsAnAnswer) {
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto elf = test_object("several");
  for (size_t size = 0; size < elf.size(); size += 1 + size / 40) {
    auto object = loader.inspect(std::span(elf).first(size), "cut.o");
    if (!object) {
      EXPECT_EQ(object.error().kind, ErrorKind::kMalformed);
    }
  }
}

TEST(Raw, InstructionsWithoutAnObject) {
  auto kernel = trusting_kernel();
  RawProgram raw;
  raw.insns = {{.code = 0xb7, .imm = 0}, {.code = 0x95}};
  auto program = load_raw(*kernel, raw);
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ((*program)->input.insns.size(), 2u);
  raw.insns.clear();
  EXPECT_EQ(load_raw(*kernel, raw).error().err, E2BIG);
  raw.insns.assign(1000001, {.code = 0x95});
  EXPECT_EQ(load_raw(*kernel, raw).error().err, E2BIG);
  raw.insns.resize(1);
  raw.attach_function = "no_such_function";
  EXPECT_EQ(load_raw(*kernel, raw).error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace drydock
