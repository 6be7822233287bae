// SPDX-License-Identifier: Apache-2.0
// Input that is not what it should be, given to the command itself: the documented exit status, a
// message that names the file and what is wrong, no hang, and nothing left behind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/file.h"
#include "tests/support/shell.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;
const std::string kBuild = DRYDOCK_BINARY_DIR;
const std::string kGood = kBuild + "/corpus/cgroup_sock.bpf.o";

using test::Finished;

/// The command as an ordinary user where `unprivileged`; 60 seconds are a hang.
Finished run(const std::string& command, bool unprivileged = false) {
  std::string user = unprivileged && geteuid() == 0 ? "setpriv --reuid 65534 --clear-groups " : "";
  return test::run_in_shell("timeout 60 " + user + kBuild + "/drydock " + command);
}

class BadInput : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("drydock-bad-input-" + std::to_string(getpid()));
    fs::create_directories(folder_);
    fs::permissions(folder_, fs::perms::all);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, std::span<const std::byte> bytes) {
    std::ofstream(path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }
  std::string write(const std::string& name, std::string_view text) {
    return write(name, as_byte_span(text));
  }
  static std::vector<std::byte> good() { return read_file(kGood).value(); }

  /// Runs it and checks status, the words that must be there, and that no file came or went.
  void expect(const std::string& command, int status, std::initializer_list<std::string> words,
              bool unprivileged = false) {
    auto before = names();
    Finished finished = run(command, unprivileged);
    EXPECT_EQ(finished.status, status) << command << "\n" << finished.output;
    for (const std::string& word : words)
      EXPECT_NE(finished.output.find(word), std::string::npos)
          << command << "\n"
          << finished.output << "lacks: " << word;
    EXPECT_EQ(names(), before) << command;
  }

 private:
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      found.push_back(entry.path().string());
    std::ranges::sort(found);
    return found;
  }
  fs::path folder_;
};

TEST_F(BadInput, FilesThatAreNone) {
  struct Row {
    std::string file, why;
  };
  std::string empty = write("empty.o", "");
  mkfifo(path("fifo.o").c_str(), 0666);
  fs::create_symlink("loop.o", path("loop.o"));
  for (const Row& row : {Row{path("nowhere.o"), "No such file"}, Row{path("."), "Is a directory"},
                         Row{empty, "empty.o"}, Row{path("loop.o"), "symbolic links"}}) {
    expect("verify " + row.file, 1, {row.file, row.why});
    expect("run " + row.file, 1, {row.file, row.why});
    expect("disasm " + row.file, 1, {row.file, row.why});
    expect("verify --kernel 5.10,6.18 " + row.file, 1, {row.file, row.why});
  }
  expect("verify " + path("fifo.o"), 1, {path("fifo.o"), "a pipe that nobody writes to"});
}

TEST_F(BadInput, AFileThatMayNotBeRead) {
  std::string file = write("secret.o", good());
  fs::permissions(file, fs::perms::none);
  expect("verify " + file, 1, {file, "Permission denied"}, true);
  expect("test " + file, 1, {file, "Permission denied"}, true);
}

TEST_F(BadInput, ObjectsCutShort) {
  auto bytes = good();
  for (size_t part = 1; part < 16; ++part) {
    auto file = write("short.o", std::span(bytes).first(bytes.size() * part / 16));
    expect("verify " + file, 1, {file});
  }
}

TEST_F(BadInput, RandomBytes) {
  std::mt19937 random(1);
  for (bool elf : {false, true}) {
    std::vector<std::byte> bytes(4096);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    auto start = good();
    if (elf) std::copy_n(start.begin(), 64, bytes.begin());  // a good ELF header
    auto file = write("random.o", bytes);
    expect("verify " + file, 1, {file});
  }
}

/// Where a section's bytes are in an ELF file of 64 bits.
struct Section {
  size_t offset = 0, size = 0;
};
Section section_of(std::span<const std::byte> elf, std::string_view name) {
  auto number = [&](size_t at, size_t bytes) {
    uint64_t value = 0;
    std::memcpy(&value, &elf[at], bytes);
    return static_cast<size_t>(value);
  };
  size_t table = number(40, 8), entry = number(58, 2), count = number(60, 2), names = number(62, 2);
  size_t strings = number(table + names * entry + 24, 8);
  for (size_t i = 0; i < count; ++i) {
    size_t at = table + i * entry;
    if (std::string_view(reinterpret_cast<const char*>(&elf[strings + number(at, 4)])) == name)
      return {number(at + 24, 8), number(at + 32, 8)};
  }
  return {};
}

TEST_F(BadInput, BtfThatIsNone) {
  std::mt19937 random(2);
  auto bytes = good();
  Section btf = section_of(bytes, ".BTF");
  ASSERT_GT(btf.size, 100u);
  auto magic = bytes;
  magic[btf.offset] = std::byte{0};
  expect("verify " + write("magic.o", magic), 1, {path("magic.o")});
  auto noise = bytes;
  for (size_t i = 24; i < btf.size; ++i) noise[btf.offset + i] = static_cast<std::byte>(random());
  expect("verify " + write("noise.o", noise), 1, {path("noise.o")});
  auto offsets = bytes;  // type_off and the rest of the header say far too much
  std::fill_n(offsets.begin() + static_cast<ptrdiff_t>(btf.offset) + 8, 16, std::byte{0xff});
  expect("verify " + write("offsets.o", offsets), 1, {path("offsets.o")});
}

// libbpf follows both on trust: the one ends in a crash, the other never ends.
TEST_F(BadInput, BtfTypesThatLeadNowhere) {
  const auto start = good();
  const Section btf = section_of(start, ".BTF");
  auto word = [&](const std::vector<std::byte>& elf, size_t at) {
    uint32_t value;
    std::memcpy(&value, &elf[btf.offset + at], 4);
    return value;
  };
  const size_t types = word(start, 4) + word(start, 8), end = types + word(start, 12);
  constexpr uint32_t kTypedef = 8, kFuncProto = 13;
  size_t found = 0;
  uint32_t id = 1;
  for (size_t at = types; at + 12 <= end; ++id) {
    const uint32_t kind = word(start, at + 4) >> 24 & 31, count = word(start, at + 4) & 0xffff;
    if (kind == kTypedef || kind == kFuncProto) {
      auto bad = start;
      const uint32_t to = kind == kTypedef ? id : 0x00ffffff;
      std::memcpy(&bad[btf.offset + at + 8], &to, 4);
      if (++found <= 12) expect("verify " + write("nowhere.o", bad), 1, {"nowhere.o", "BTF type "});
    }
    constexpr size_t kRecord[] = {0, 4, 0, 12, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 4, 12, 0, 4, 0, 12};
    const bool one = kind == 1 || kind == 3 || kind == 14 || kind == 17;
    ASSERT_LT(kind, std::size(kRecord));
    at += 12 + kRecord[kind] * (one ? 1 : count);
  }
  EXPECT_GT(found, 2u);
}

TEST_F(BadInput, TheWrongEndianness) {
  auto bytes = good();
  bytes[5] = std::byte{2};  // EI_DATA: big-endian
  auto file = write("big.o", bytes);
  expect("verify " + file, 1, {file});
}

TEST_F(BadInput, AMissingLicense) {
  // Another name for the section: programs that need the GPL are refused, in the kernel's words.
  auto bytes = good();
  std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (size_t at = all.find("license"); at != all.npos; at = all.find("license", at + 1))
    bytes[at] = std::byte{'n'};
  auto file = write("unlicensed.o", bytes);
  Finished finished = run("verify --format json " + file);
  EXPECT_LE(finished.status, 1) << finished.output;
  EXPECT_NE(finished.output.find("unlicensed.o"), std::string::npos);
}

TEST_F(BadInput, TooManyInstructions) {
  std::string text(1'000'000 * 16, '0');
  const std::string move = "b700000000000000", exit = "9500000000000000";
  for (size_t i = 0; i < 1'000'000; ++i) text.replace(i * 16, 16, move);
  text += exit;
  expect("verify --raw hex " + write("long.hex", text), 1, {"long.hex", "Argument list too long"});
}

// Neither taken from memory nor refused for its size alone: the kernel makes what it has room for.
TEST_F(BadInput, AMapOfFourGigabytes) {
  const std::string file = kBuild + "/tests/bpf/huge_map.bpf.o";
  expect("verify " + file, 0, {"huge_map.bpf.o: accepted reads_huge"});
  Finished ran = run("run " + file);
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("map huge: more than is shown"), ran.output.npos)
      << ran.output.substr(0, 1000);
}

TEST_F(BadInput, RawInstructionsThatAreNone) {
  expect("verify --raw hex " + write("odd.hex", "b7000"), 1, {"odd.hex"});
  expect("verify --raw hex " + write("word.hex", "hello"), 1, {"word.hex"});
  expect("verify --raw binary " + write("seven.bin", "1234567"), 1, {"seven.bin"});
  expect("verify --raw asm " + write("text.asm", "r0 = 1\nr0 := 2\n"), 1, {"text.asm", "line 2"});
  expect("verify --raw asm --program-type nothing " + write("fine.asm", "r0 = 1\nexit\n"), 2,
         {"nothing"});
  expect("disasm --raw hex " + path("odd.hex"), 1, {"odd.hex"});
}

// Not on a machine of nine CPUs: the stack is written below its end.
TEST_F(BadInput, StackByTheNumberOfAnImpossibleCpu) {
  const std::string program = write("cpu.asm",
                                    "call bpf_get_smp_processor_id#8\nr1 = r10\nr1 += r0\n"
                                    "*(u8 *)(r1 -8) = 0\nr0 = 0\nexit\n");
  expect("verify --raw asm --cpus 8 " + program, 0, {"accepted"});
  expect("verify --raw asm --cpus 9 " + program, 1, {"invalid variable-offset write to stack R1"});
  expect("verify --raw asm " + program, 1, {"invalid variable-offset write to stack R1"});
  expect("verify --raw asm --cpus 0 " + program, 2, {"--cpus"});
}

// As 6.18.44 says it.
TEST_F(BadInput, JumpBeyond32Bits) {
  expect("verify --raw hex " + write("far.hex", "06000000ffffff7f9500000000000000"), 1,
         {"jump out of range from insn 0 to -2147483648"});
}

// Kernels before 7.2 accept it and read beyond the stack.
TEST_F(BadInput, IteratorAboveTheStackIsStopped) {
  expect("run --program iterator_above_stack " + kBuild + "/corpus/fuzz_found_iterators.bpf.o", 1,
         {"out of bounds: read of 8 bytes", "offset 512 of stack frame 0 (512 bytes)"});
}

TEST_F(BadInput, CasesThatAreNone) {
  struct Row {
    const char* text;
    std::initializer_list<std::string> words;
  };
  const std::string deep =
      "{\"object\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  for (const Row& row :
       {Row{"", {"parse error"}}, Row{"{", {"line 1"}}, Row{deep.c_str(), {"nested deeper"}},
        Row{R"({"object": "a.o", "stepz": [], "steps": [{"cpu": {"cpu": 0}}]})",
            {"stepz", "did you mean `steps`?"}}}) {
    auto file = write("bad.json", row.text);
    expect("test --objects " + kBuild + "/corpus " + file, 1, row.words);
    expect("test --objects " + kBuild + "/corpus " + file, 1, {file});
  }
  mkfifo(path("fifo.json").c_str(), 0666);
  expect("test " + path("fifo.json"), 1, {"fifo.json", "nobody writes"});
}

TEST_F(BadInput, ContextsThatDoNotFit) {
  expect("run --context zz " + kGood, 2, {"--context", "zz"});
  expect("run --context 001 " + kGood, 2, {"--context"});
  // Too short for what the program reads: a fault with its place, not a crash.
  Finished finished = run("run --program deny_raw --context 00 " + kGood);
  EXPECT_EQ(finished.status, 1) << finished.output;
  EXPECT_NE(finished.output.find("fault"), std::string::npos) << finished.output;
}

TEST_F(BadInput, KernelsThatAreNone) {
  expect("verify --kernel 9.99 " + kGood, 2, {"9.99"});
  expect("verify --kernel " + write("bad.profile", "nonsense") + " " + kGood, 2, {"bad.profile"});
  expect("verify --kernel '' " + kGood, 2, {"kernel"});
}

TEST_F(BadInput, PlacesThatCannotBeWritten) {
  auto file = write("fine.json", R"({"object": "maps.bpf.o", "steps": [{"cpu": {"cpu": 0}}]})");
  expect("test --objects " + kBuild + "/corpus --junit /nowhere/report.xml " + file, 1,
         {"/nowhere/report.xml"});
}

}  // namespace
}  // namespace drydock
