// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_LOAD and what is done to a loaded program. Loading has three stages: the attributes are
// checked and copied (Loading), the verifier answers, the object is published.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "contexts/program_rules.h"
#include "emulator/syscall/commands.h"
#include "kernel/btf_format.h"
#include "kernel/features.h"

namespace drydock::syscall_impl {
namespace {

/// BPF_F_* of a program, and the release that brought them.
struct FlagRow {
  uint32_t flags;
  std::string_view since;
};
constexpr FlagRow kFlagRows[] = {
    {kProgStrictAlignment | kProgAnyAlignment | kProgTestRndHi32 | kProgTestStateFreq |
         kProgSleepable,
     ""},
    {kProgXdpHasFrags, "5.18"},
    {kProgXdpDevBoundOnly, "6.3"},
    {kProgTestRegInvariants, "6.8"},
    {kProgTokenFd, "6.9"},
};
uint32_t known_flags(const Profile& profile) {
  uint32_t known = 0;
  for (const FlagRow& row : kFlagRows)
    if (within(profile.version(), row.since, "")) known |= row.flags;
  return known;
}
constexpr uint32_t kMostInsns = 1'000'000, kMostInsnsUnprivileged = 4096;
constexpr uint32_t kLogMask = kLogLevel1 | kLogLevel2 | kLogStats | kLogFixed;
constexpr size_t kLicenseLimit = 127;
constexpr uint32_t kFdArrayLimit = 1u << 16;  // instructions index it with far less

// A user's array of records of which this kernel knows the first sizeof(Record) bytes; what is
// longer must be zero, what is shorter reads as zero.
template <class Record>
int64_t read_records(const UserMemory& memory, uint64_t address, uint32_t count, uint32_t stride,
                     std::vector<Record>& out) {
  std::vector<std::byte> raw(size_t{count} * stride);
  if (!memory.read(address, raw.data(), raw.size())) return -EFAULT;
  out.resize(count);
  size_t known = std::min<size_t>(stride, sizeof(Record));
  for (uint32_t i = 0; i < count; ++i) {
    const std::byte* from = raw.data() + size_t{i} * stride;
    std::memcpy(&out[i], from, known);
    if (!std::all_of(from + known, from + stride, [](std::byte b) { return b == std::byte{}; }))
      return -E2BIG;
  }
  return 0;
}

class Loading {
 public:
  explicit Loading(const Call& call)
      : call_(call), a_(call.as<attr::ProgLoad>()), program_(std::make_shared<ProgramObject>()) {}

  int64_t run() {
    using Step = int64_t (Loading::*)();
    constexpr Step kSteps[] = {
        &Loading::check_attributes, &Loading::check_privilege, &Loading::take_target,
        &Loading::check_attachment, &Loading::copy_program,    &Loading::check_log,
        &Loading::take_btf,         &Loading::copy_records,    &Loading::resolve_descriptors};
    for (Step step : kSteps)
      if (int64_t err = (this->*step)()) return err;
    return finish();
  }

 private:
  ProgramInput& input() { return program_->input; }
  Kernel& kernel() const { return call_.kernel; }
  const UserMemory& memory() const { return call_.memory(); }

  int64_t check_attributes() {
    if (a_.prog_flags & ~known_flags(kernel().profile())) return -EINVAL;
    if (a_.prog_flags & kProgTokenFd) return no_token(a_.prog_token_fd);
    input().type = static_cast<ProgramType>(a_.prog_type);
    input().expected_attach_type =
        stored_attach_type(input().type, static_cast<AttachType>(a_.expected_attach_type));
    input().flags = a_.prog_flags;
    return 0;
  }

  int64_t check_privilege() {
    const Capabilities& can = call_.capabilities();
    if (kernel().settings().unprivileged_bpf_disabled && !can.bpf) return -EPERM;
    if (a_.insn_cnt == 0 || a_.insn_cnt > (can.bpf ? kMostInsns : kMostInsnsUnprivileged))
      return -E2BIG;
    const ProgramRules* rules = program_rules(input().type);
    if (!can.bpf && !(rules && rules->unprivileged)) return -EPERM;
    if (rules && rules->net_admin && !can.net_admin) return -EPERM;
    if (rules && rules->perfmon && !can.perfmon) return -EPERM;
    return 0;
  }

  int64_t take_target() {
    if (a_.attach_fd) {
      program_->target = kernel().object<ProgramObject>(a_.attach_fd);
      if (program_->target) {
        input().target = describe_target(*program_->target);
        input().attach_btf = input().target->btf;
        return 0;
      }
      auto btf = kernel().object<BtfObject>(a_.attach_fd);
      if (!btf) return -EINVAL;
      if (!btf->kernel()) return -kENOTSUPP;
      input().attach_btf = btf->btf;
    } else if (a_.attach_btf_id) {
      input().attach_btf = kernel().profile().btf();
    }
    return 0;
  }

  int64_t check_attachment() {
    const ProgramRules* rules = program_rules(input().type);
    bool kernel_btf = input().attach_btf && !program_->target;
    if (a_.attach_btf_id) {
      if (a_.attach_btf_id > kBtfMaxType) return -EINVAL;
      if (!rules || !rules->attaches_by_btf) return -EINVAL;
    }
    if (kernel_btf && !a_.attach_btf_id) return -EINVAL;
    if (program_->target && input().type != ProgramType::kTracing &&
        input().type != ProgramType::kExt)
      return -EINVAL;
    if (rules &&
        !accepts_attach_type(input().type, input().expected_attach_type, kernel().profile()))
      return -EINVAL;
    if (input().type == ProgramType::kExt && a_.expected_attach_type) return -EINVAL;
    input().attach_btf_id = a_.attach_btf_id;
    return 0;
  }

  int64_t copy_program() {
    input().insns.resize(a_.insn_cnt);
    if (!memory().read(a_.insns, input().insns.data(), size_t{a_.insn_cnt} * sizeof(isa::Insn)))
      return -EFAULT;
    auto license = memory().read_string(a_.license, kLicenseLimit);
    if (!license) return -EFAULT;
    input().license = std::move(*license);
    if (a_.signature) return unsupported("signed programs", EINVAL);
    if (a_.core_relo_cnt) return unsupported("CO-RE relocation by the kernel", EINVAL);
    program_->gpl_compatible = license_is_gpl_compatible(input().license);
    if (a_.prog_ifindex) return unsupported("programs bound to a device", EINVAL);
    if (!has_program_type(input().type, kernel().profile())) return -EINVAL;
    return read_name(a_.prog_name, input().name) ? 0 : -EINVAL;
  }

  int64_t check_log() {
    bool buffer = a_.log_buf, size = a_.log_size;
    bool good = buffer == size && !(buffer && a_.log_level == 0) && !(a_.log_level & ~kLogMask) &&
                a_.log_size <= UINT32_MAX >> 2;
    return good ? 0 : -EINVAL;
  }

  int64_t take_btf() {
    if (!a_.func_info_cnt && !a_.line_info_cnt && !a_.prog_btf_fd) return 0;
    if (!a_.prog_btf_fd && !a_.func_info_cnt && !a_.line_info_cnt) return 0;
    program_->btf = kernel().object<BtfObject>(a_.prog_btf_fd);
    if (!program_->btf) return lookup(call_, a_.prog_btf_fd, program_->btf);
    if (program_->btf->kernel()) return -EACCES;
    input().btf = program_->btf->btf;
    return 0;
  }

  int64_t copy_records() {
    if (a_.func_info_cnt) {
      if (a_.func_info_rec_size < 8 || a_.func_info_rec_size > 252 || a_.func_info_rec_size % 4)
        return log_line(
            "invalid func info rec size " + std::to_string(a_.func_info_rec_size) + "\n", EINVAL);
      if (a_.func_info_cnt > a_.insn_cnt)
        return log_line("number of funcs in func_info doesn't match number of subprogs\n", EINVAL);
      if (int64_t err = read_records(memory(), a_.func_info, a_.func_info_cnt,
                                     a_.func_info_rec_size, input().func_info))
        return err == -E2BIG ? log_line("nonzero tailing record in func info", E2BIG) : err;
    }
    if (a_.line_info_cnt) {
      if (a_.line_info_rec_size < 16 || a_.line_info_rec_size > 252 || a_.line_info_rec_size % 4)
        return -EINVAL;
      if (a_.line_info_cnt > kMostInsns) return -EINVAL;
      if (int64_t err = read_records(memory(), a_.line_info, a_.line_info_cnt,
                                     a_.line_info_rec_size, input().line_info))
        return err == -E2BIG ? log_line("nonzero tailing record in line_info", E2BIG) : err;
    }
    return 0;
  }

  // Everything that instructions and fd_array name, as it is now.
  int64_t resolve_descriptors() {
    program_->fds = std::make_shared<ResolvedFds>();
    uint32_t indexed = a_.fd_array_cnt;
    const auto& insns = input().insns;
    for (size_t i = 0; i < insns.size(); ++i) {
      const isa::Insn& insn = insns[i];
      if (isa::is_kfunc_call(insn) && insn.off > 0)
        indexed = std::max<uint32_t>(indexed, insn.off + 1u);
      if (insn.code != kLoadImm64) continue;
      if (insn.src == isa::kPseudoMapFd || insn.src == isa::kPseudoMapValue) resolve(insn.imm);
      if (insn.src == isa::kPseudoMapIdx || insn.src == isa::kPseudoMapIdxValue)
        indexed = std::max<uint32_t>(indexed, static_cast<uint32_t>(insn.imm) + 1);
      if (insn.src == isa::kPseudoBtfId && i + 1 < insns.size()) resolve(insns[i + 1].imm);
      ++i;
    }
    if (a_.fd_array && indexed && indexed <= kFdArrayLimit) {
      input().fd_array.resize(indexed);
      if (!memory().read(a_.fd_array, input().fd_array.data(), indexed * sizeof(int)))
        return -EFAULT;
      for (int fd : input().fd_array) resolve(fd);
    }
    input().fd_array_continuous = a_.fd_array_cnt != 0;
    return 0;
  }

  void resolve(int fd) {
    auto [at, fresh] = program_->fds->entries.try_emplace(fd);
    if (!fresh) return;
    at->second.map = kernel().object<MapObject>(fd);
    at->second.btf = kernel().object<BtfObject>(fd);
    if (!at->second.map && !at->second.btf)
      at->second.err = Descriptors::mode_of(fd) < 0 ? EBADF : EINVAL;
    if (at->second.map) program_->maps.push_back(at->second.map);
  }

  int64_t finish() {
    program_->load_time_ns =
        static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    program_->log_level = a_.log_level;
    const auto& recorder = kernel().recorder();
    if (!recorder || !recorder(a_.log_buf, program_)) {
      Options options{.log_level = a_.log_level,
                      .log_size = a_.log_size,
                      .capabilities = call_.capabilities(),
                      .limits = kernel().settings().limits};
      program_->verdict = kernel().verify(*program_, options);
      program_->verified = true;
      if (int64_t err = report()) return err;
    }
    kernel().descriptors().publish(program_);
    return kernel().descriptors().open(program_, O_RDWR);
  }

  // The log to the caller's buffer, the verdict to an errno.
  int64_t report() {
    const Verdict& verdict = program_->verdict;
    int64_t err = 0;
    if (verdict.kind == VerdictKind::kUnsupported) err = unsupported(verdict.message, ENOTSUP);
    else if (verdict.kind != VerdictKind::kAccepted) err = -(verdict.err ? verdict.err : EINVAL);
    if (int64_t failed = write_log(verdict.log)) return failed;
    return verdict.log_truncated ? -ENOSPC : err;
  }

  int64_t write_log(const std::string& text) {
    auto true_size = static_cast<uint32_t>(text.size() + 1);
    if (a_.log_buf && a_.log_size) {
      size_t n = std::min<size_t>(text.size(), a_.log_size - 1);
      if (!memory().write(a_.log_buf, text.data(), n) || !memory().write(a_.log_buf + n, '\0'))
        return -EFAULT;
    }
    constexpr size_t kAt = offsetof(attr::ProgLoad, log_true_size);
    if (call_.size >= kAt + sizeof true_size && a_.log_level &&
        !memory().write(call_.user + kAt, true_size))
      return -EFAULT;
    return 0;
  }

  int64_t log_line(const std::string& text, int err) {
    if (a_.log_level)
      if (int64_t failed = write_log(text)) return failed;
    return -err;
  }

  int64_t unsupported(std::string what, int err) const {
    kernel().note_unsupported(std::move(what));
    return -err;
  }

  std::shared_ptr<const TargetProgram> describe_target(ProgramObject& target) const {
    if (!target.verified) {
      target.verdict = kernel().verify(target, Options{.capabilities = call_.capabilities()});
      target.verified = true;
    }
    auto out = std::make_shared<TargetProgram>();
    const ProgramInput& in = target.input;
    out->id = target.id;
    out->type = in.type;
    out->expected_attach_type = in.expected_attach_type;
    out->attach_btf_id = in.attach_btf_id;
    out->btf = in.btf;
    out->func_info = in.func_info;
    for (const FuncInfo& f : in.func_info) {
      const BtfType* type = in.btf ? in.btf->type(f.type_id) : nullptr;
      out->func_is_global.push_back(type && type->kind() == BtfKind::kFunc &&
                                    type->vlen() == kBtfFuncGlobal);
    }
    out->func_unreliable = target.verdict.func_unreliable;
    out->func_unreliable.resize(out->func_info.size());
    out->sleepable = in.flags & kProgSleepable;
    out->gpl = target.gpl_compatible;
    out->tail_call_reachable = target.verdict.tail_call_reachable;
    out->changes_pkt_data = target.verdict.changes_pkt_data;
    out->might_sleep = target.verdict.might_sleep;
    out->is_tracing = in.type == ProgramType::kTracing;
    if (in.type == ProgramType::kExt && target.target)
      out->saved_target_type = target.target->input.type;
    return out;
  }

  static constexpr uint8_t kLoadImm64 = 0x18;  // BPF_LD | BPF_IMM | BPF_DW
  const Call& call_;
  attr::ProgLoad a_;
  std::shared_ptr<ProgramObject> program_;
};

}  // namespace

int64_t prog_load(const Call& call) { return Loading(call).run(); }

int64_t prog_bind_map(const Call& call) {
  auto a = call.as<attr::BindMap>();
  if (a.flags) return -EINVAL;
  std::shared_ptr<ProgramObject> program;
  std::shared_ptr<MapObject> map;
  if (int64_t err = lookup(call, a.prog_fd, program)) return err;
  if (int64_t err = lookup(call, a.map_fd, map)) return err;
  if (std::ranges::find(program->maps, map) == program->maps.end()) program->maps.push_back(map);
  return 0;
}

int64_t prog_test_run(const Call& call) {
  auto a = call.as<attr::TestRun>();
  if (!a.ctx_size_in != !a.ctx_in || !a.ctx_size_out != !a.ctx_out) return -EINVAL;
  std::shared_ptr<ProgramObject> program;
  if (int64_t err = lookup(call, a.prog_fd, program)) return err;
  const auto& runner = call.kernel.settings().test_runner;
  if (!runner) {
    call.kernel.note_unsupported("BPF_PROG_TEST_RUN of " +
                                 std::string(name_of(program->input.type)));
    return -kENOTSUPP;
  }
  int64_t result = runner(call.kernel, *program, a);
  if (result == 0 || result == -ENOSPC) {
    size_t size = std::min<size_t>(call.size, sizeof a);
    if (!call.memory().write(call.user, &a, size)) return -EFAULT;
  }
  return result;
}

}  // namespace drydock::syscall_impl
