// SPDX-License-Identifier: Apache-2.0
// Nanoseconds an executed instruction, of the interpreter (every check on) and of the running
// kernel's JIT on the same bytecode in the same run. Read the column ns_per_insn.
//
//   build/release/bench/drydock_interpreter_bench
#include <benchmark/benchmark.h>
#include <time.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "emulator/interpreter/interpreter.h"
#include "isa/assemble.h"
#include "tests/support/bare_machine.h"
#include "tests/support/host_bpf.h"

namespace drydock {
namespace {

constexpr uint32_t kPacketBytes = 1500;
constexpr uint32_t kMapBytes = 64;

struct Subject {
  const char* name;
  const char* text;  // r1 is a struct __sk_buff; "map_value 0 ll" is the value of a map
};

// Offsets of __sk_buff: len 0, mark 8, protocol 16, priority 32, cb[0] 48, data 76, data_end 80.
const Subject kSubjects[] = {
    {"alu", R"(
      r0 = 1
      r2 = 7
      r3 = 0x9e3779b97f4a7c15 ll
      r4 = 3
      r5 = 400
      loop:
        r0 += r3
        r2 ^= r0
        r4 *= 31
        w6 = w2
        r2 <<= 7
        r0 >>= 3
        r6 |= 1
        r4 -= r6
        w4 &= 0xffff
        r7 = r2
        r7 s>>= 5
        r0 ^= r7
        r2 += r4
        w7 += 11
        r3 += r7
        r5 -= 1
        if r5 != 0 goto loop
      exit)"},
    {"stack", R"(
      r0 = 0
      r5 = 400
      *(u64 *)(r10 -8) = r0
      *(u64 *)(r10 -16) = r0
      *(u64 *)(r10 -24) = r0
      *(u32 *)(r10 -32) = r0
      r6 = r10
      r6 += -32
      loop:
        r1 = *(u64 *)(r10 -8)
        r1 += 1
        *(u64 *)(r10 -8) = r1
        r2 = *(u64 *)(r10 -16)
        r2 ^= r1
        *(u64 *)(r10 -16) = r2
        r3 = *(u32 *)(r6 +0)
        r3 += r2
        *(u32 *)(r6 +0) = r3
        r4 = *(u64 *)(r6 +8)
        r4 += r3
        *(u64 *)(r6 +8) = r4
        r5 -= 1
        if r5 != 0 goto loop
      exit)"},
    {"map_value", R"(
      r6 = map_value 0 ll
      r0 = 0
      r5 = 400
      loop:
        r1 = *(u64 *)(r6 +0)
        r1 += 1
        *(u64 *)(r6 +0) = r1
        r2 = *(u32 *)(r6 +8)
        r2 += r1
        *(u32 *)(r6 +8) = r2
        r3 = r6
        r4 = r5
        r4 &= 7
        r4 <<= 3
        r3 += r4
        r2 = *(u64 *)(r3 +0)
        r0 ^= r2
        r5 -= 1
        if r5 != 0 goto loop
      exit)"},
    {"context", R"(
      r0 = 0
      r5 = 400
      r6 = r1
      loop:
        r2 = *(u32 *)(r6 +0)
        r0 += r2
        r3 = *(u32 *)(r6 +8)
        r3 += 1
        *(u32 *)(r6 +8) = r3
        r4 = *(u32 *)(r6 +48)
        r4 ^= r2
        *(u32 *)(r6 +48) = r4
        r5 -= 1
        if r5 != 0 goto loop
      exit)"},
    {"branches", R"(
      r0 = 0
      r1 = 12345
      r5 = 400
      loop:
        r1 *= 1103515245
        r1 += 12345
        r2 = r1
        r2 >>= 16
        r2 &= 15
        if r2 > 13 goto high
        if r2 == 3 goto three
        r0 += 1
        if r2 s< 1 goto next
        if r2 & 0x10 goto high
        goto next
      three:
        r0 += 3
        goto next
      high:
        r0 ^= r2
      next:
        r3 = r5
        r3 &= 1
        if w3 == 0 goto even
        r0 += 7
      even:
        r5 -= 1
        if r5 != 0 goto loop
      exit)"},
    {"calls", R"(
      r6 = 400
      r7 = 0
      loop:
        r1 = r6
        r2 = r7
        call f
        r7 = r0
        r6 -= 1
        if r6 != 0 goto loop
      r0 = r7
      exit
      f:
        r6 = r1
        *(u64 *)(r10 -8) = r2
        r0 = *(u64 *)(r10 -8)
        r0 += r6
        exit)"},
    {"hash", R"(
      r2 = *(u32 *)(r1 +76)
      r3 = *(u32 *)(r1 +80)
      r0 = 0xcbf29ce484222325 ll
      r6 = 0x100000001b3 ll
      r7 = 0
      loop:
        r4 = r2
        r4 += 1
        if r4 > r3 goto out
        r5 = *(u8 *)(r2 +0)
        r0 ^= r5
        r0 *= r6
        r2 = r4
        r7 += 1
        if r7 < 1500 goto loop
      out:
      exit)"},
};

std::vector<isa::Insn> bytecode(const Subject& subject) {
  auto insns = isa::assemble(subject.text);
  if (!insns) {
    std::fprintf(stderr, "%s: %s\n", subject.name, insns.error().message.c_str());
    std::exit(4);
  }
  return *insns;
}

std::vector<std::byte> packet() {
  std::vector<std::byte> bytes(kPacketBytes);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + 3);
  return bytes;
}

/// The program in an emulated world, with a context as an emulated __sk_buff has it.
class Emulated {
 public:
  explicit Emulated(const Subject& subject) : machine_(memory_, profile_), interpreter_(machine_) {
    const auto bytes = packet();
    Region* data =
        memory_.allocate({.kind = RegionKind::kPacket, .size = kPacketBytes, .name = "packet"});
    (void)memory_.copy_in(data->base, bytes);
    Region* value =
        memory_.allocate({.kind = RegionKind::kMapValue, .size = kMapBytes, .name = "value"});
    // The two packet pointers are 8 bytes wide; they stand behind the 192 bytes of the UAPI struct.
    context_ = memory_.allocate({.kind = RegionKind::kContext, .size = 208, .name = "context"});
    (void)memory_.store<uint64_t>(context_->base + 192, data->base);
    (void)memory_.store<uint64_t>(context_->base + 200, data->end());
    ProgramImage image{.name = subject.name, .insns = bytecode(subject)};
    for (uint32_t i = 0; i < image.insns.size(); ++i) {
      const isa::Insn& insn = image.insns[i];
      if (insn.code == 0x61 && insn.src == 1 && (insn.off == 76 || insn.off == 80)) {
        image.notes.push_back({.insn = i,
                               .kind = InsnNote::Kind::kField,
                               .offset = insn.off == 76 ? 192 : 200,
                               .size = 8});
      }
      if (isa::is_ld_imm64(insn) && insn.src == isa::kPseudoMapValue) {
        image.notes.push_back(
            {.insn = i, .kind = InsnNote::Kind::kImmediate, .value = value->base});
      }
    }
    program_ = std::move(*Executable::create(std::move(image), TableCalls(), memory_));
  }

  RunReport run() {
    const uint64_t args[] = {context_->base};
    return interpreter_.run(*program_, args);
  }

 private:
  Memory memory_;
  Profile profile_;
  BareMachine machine_;
  Interpreter interpreter_;
  Region* context_ = nullptr;
  std::unique_ptr<Executable> program_;
};

void set_per_insn(benchmark::State& state, uint64_t insns_per_run, double seconds) {
  const double insns = static_cast<double>(insns_per_run) * static_cast<double>(state.iterations());
  state.counters["ns_per_insn"] = 1e9 * seconds / insns;
  state.counters["insns"] = static_cast<double>(insns_per_run);
}

/// Time that this thread had a CPU: another process's turn does not count.
double thread_seconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void interpreter(benchmark::State& state, const Subject& subject) {
  Emulated emulated(subject);
  const RunReport first = emulated.run();
  if (!first.ok()) return state.SkipWithError(first.message.c_str());
  const double start = thread_seconds();
  for (auto _ : state) benchmark::DoNotOptimize(emulated.run().return_value);
  set_per_insn(state, first.insns_executed, thread_seconds() - start);
}

void kernel_jit(benchmark::State& state, const Subject& subject) {
  auto insns = bytecode(subject);
  const test::HostFd map = test::HostBpf::array_map(kMapBytes, 1);
  for (isa::Insn& insn : insns) {
    if (isa::is_ld_imm64(insn) && insn.src == isa::kPseudoMapValue) insn.imm = map.get();
  }
  std::string log;
  const test::HostFd program = test::HostBpf::load(insns, ProgramType::kSchedCls, &log);
  if (!program.ok()) return state.SkipWithError(("not loaded: " + log).c_str());
  const uint64_t insns_per_run = Emulated(subject).run().insns_executed;
  constexpr uint32_t kRepeat = 2000;
  double seconds = 0;
  for (auto _ : state) {
    const auto run = test::HostBpf::test_run(program.get(), packet(), kRepeat);
    if (!run) return state.SkipWithError("BPF_PROG_TEST_RUN failed");
    seconds += run->nanoseconds * 1e-9;
    state.SetIterationTime(run->nanoseconds * 1e-9);
  }
  set_per_insn(state, insns_per_run, seconds);
}

}  // namespace
}  // namespace drydock

int main(int argc, char** argv) {
  using namespace drydock;
  benchmark::Initialize(&argc, argv);
  const std::string missing = test::host_unavailable();
  if (!missing.empty()) std::printf("kernel_jit skipped: %s\n", missing.c_str());
  for (const Subject& subject : kSubjects) {
    const std::string name = subject.name;
    benchmark::RegisterBenchmark((name + "/interpreter").c_str(),
                                 [&subject](benchmark::State& s) { interpreter(s, subject); });
    if (!missing.empty()) continue;
    benchmark::RegisterBenchmark((name + "/kernel_jit").c_str(),
                                 [&subject](benchmark::State& s) { kernel_jit(s, subject); })
        ->UseManualTime()
        ->Iterations(20);
  }
  benchmark::RunSpecifiedBenchmarks();
}
