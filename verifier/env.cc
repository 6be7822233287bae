// SPDX-License-Identifier: Apache-2.0
#include "verifier/env.h"

#include "kernel/features.h"
#include "verifier/precision.h"
#include "verifier/struct_ops.h"

namespace drydock::verifier {

Env::Env(const ProgramInput& input, const Profile& kernel, FdTable& table, const Options& asked)
    : program(input),
      profile(kernel),
      fds(table),
      options(asked),
      code(input.insns),
      facts(input.insns.size()),
      type(input.type),
      gpl_compatible(license_is_gpl_compatible(input.license)),
      sleepable(input.flags & kProgSleepable),
      log(asked.log_level, asked.log_size) {
  attach_type = input.expected_attach_type;
  const Capabilities& caps = asked.capabilities;
  allow_ptr_leaks = allow_uninit_stack = bypass_spec_v1 = bypass_spec_v4 = caps.perfmon;
  bpf_capable = caps.bpf;
  strict_alignment = (input.flags & kProgStrictAlignment) && !(input.flags & kProgAnyAlignment);
  test_state_freq = caps.bpf && (input.flags & kProgTestStateFreq);
  backtrack = std::make_shared<Backtrack>();
  test_reg_invariants = input.flags & kProgTestRegInvariants;
  bounds_rules = {.across_sign_32 = has(Feature::kBoundsAcrossSign32),
                  .single_members = has(Feature::kSingleTnumMembers),
                  .signed_32_into_64 = has(Feature::kSigned32Into64),
                  .classic = !has(Feature::kMutualBounds),
                  .wrapping_sums = has(Feature::kWrappingSums),
                  .signed_products = has(Feature::kSignedProducts),
                  .or_of_unknowns = has(Feature::kOrOfUnknowns),
                  .signed_shift_32 = has(Feature::kSignedShift32),
                  .halves_apart = has(Feature::kTnumHalvesApart),
                  .circular = has(Feature::kCircularRanges)};
  read_marks = has(Feature::kReadMarks);
  loop_entries = !has(Feature::kSccLoopConvergence);
  scratched_regs = 0;
  scratched_slots = 0;
}

Env::~Env() = default;

Check Env::unsupported(std::string what) {
  if (!unsupported_what) unsupported_what = std::move(what);
  return Check::error(EOPNOTSUPP);
}

Check Env::bug(std::string what) {
  if (log.enabled()) log.append("verifier bug: " + what + "\n");
  if (!bug_what) bug_what = std::move(what);
  return Check::error(EFAULT);
}

Check Env::kernel_bug(std::string_view what) {
  return reject(EFAULT, "{}: {}\n",
                has(Feature::kVerifierBugsTold) ? "verifier bug" : "verifier internal error", what);
}

CallSite Env::call_site() const {
  return {.program_type = type,
          .attach_type = attach_type,
          .attach_func = attach.func_name,
          .struct_ops = attach.struct_ops ? attach.struct_ops->name : std::string_view{},
          .sleepable = sleepable,
          .gpl = gpl_compatible,
          .perfmon = options.capabilities.perfmon,
          .bpf_capable = options.capabilities.bpf,
          .sys_admin = options.capabilities.sys_admin,
          .extends_program = program.target != nullptr,
          .probed = probed};
}

}  // namespace drydock::verifier
