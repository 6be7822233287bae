// SPDX-License-Identifier: Apache-2.0
// Objects, their programs, and the verdicts on these.
#include "drydock/object.h"

#include "base/nearest.h"
#include "library/disassembly.h"
#include "library/impl.h"

namespace drydock::api {

std::unexpected<Error> no_such(const std::string& what, std::string_view name,
                               const std::vector<std::string>& names) {
  std::string message = "there is no " + what + " `" + std::string(name) + "`";
  if (auto similar = nearest(name, names)) message += " (did you mean `" + *similar + "`?)";
  return not_found(std::move(message));
}

const std::string& Program::name() const { return impl_->inspected.name; }
const std::string& Program::section() const { return impl_->inspected.section; }
std::string Program::type() const { return std::string(name_of(impl_->inspected.type)); }
std::string Program::attach_type() const {
  return std::string(name_of(impl_->inspected.attach_type));
}
size_t Program::insn_count() const {
  return impl_->inspected.program ? impl_->inspected.program->input.insns.size() : 0;
}

namespace {

VerdictKind to_api(drydock::VerdictKind kind) {
  switch (kind) {
    case drydock::VerdictKind::kAccepted: return VerdictKind::kAccepted;
    case drydock::VerdictKind::kRejected: return VerdictKind::kRejected;
    case drydock::VerdictKind::kMalformed: return VerdictKind::kMalformed;
    case drydock::VerdictKind::kUnsupported: return VerdictKind::kUnsupported;
    case drydock::VerdictKind::kInternalError: break;
  }
  return VerdictKind::kInternalError;
}

Statistics to_api(drydock::Statistics&& s) {
  return {.insns_processed = s.insns_processed,
          .total_states = s.total_states,
          .peak_states = s.peak_states,
          .max_states_per_insn = s.max_states_per_insn,
          .mark_read = s.mark_read,
          .stack_depths = std::move(s.stack_depths),
          .duration_ns = s.duration_ns};
}

Diagnostic to_api(drydock::Diagnostic&& d) {
  return {.insn = d.insn,
          .insn_text = std::move(d.insn_text),
          .message = std::move(d.message),
          .lines = std::move(d.lines),
          .file = std::move(d.file),
          .line = d.line,
          .column = d.column,
          .source = std::move(d.source),
          .registers = std::move(d.registers),
          .path = std::move(d.path),
          .hint = std::move(d.hint)};
}

Verdict to_api(drydock::Verdict&& v) {
  Verdict out{.kind = to_api(v.kind),
              .err = v.err,
              .message = std::move(v.message),
              .log = std::move(v.log),
              .log_truncated = v.log_truncated,
              .statistics = to_api(std::move(v.statistics))};
  if (v.diagnostic) out.diagnostic = to_api(std::move(*v.diagnostic));
  return out;
}

/// Of a program that never reached the verifier: the kernel's command refused it, or libbpf did.
VerdictKind unverified(const InspectedProgram& p) {
  if (p.refused) return VerdictKind::kRejected;
  bool unsupported = p.error.kind == ErrorKind::kUnsupported;
  return unsupported ? VerdictKind::kUnsupported : VerdictKind::kMalformed;
}

}  // namespace

Verdict Program::verify(const VerifyOptions& options) const {
  const InspectedProgram& p = impl_->inspected;
  if (!p.program) return {.kind = unverified(p), .err = p.error.err, .message = p.error.message};
  const drydock::Kernel& kernel = impl_->kernel->kernel;
  Options wanted;
  wanted.log_level = options.log_level;
  wanted.capabilities = kernel.settings().capabilities;
  wanted.limits.wall_clock_ms = options.time_limit_ms;
  wanted.check_invariants = options.check_invariants;
  wanted.possible_cpus = options.possible_cpus;
  return to_api(kernel.verify(*p.program, wanted));
}

Result<std::vector<std::string>> Program::disassemble() const {
  const InspectedProgram& p = impl_->inspected;
  if (!p.program) return std::unexpected(p.error);
  return disassembled(p.program->input.insns, impl_->kernel->kernel.profile().btf().get());
}

const std::string& Object::file() const { return impl_->file; }
const std::vector<Program>& Object::programs() const { return impl_->programs; }
const std::vector<std::string>& Object::messages() const { return impl_->messages; }

Result<Program> Object::program(std::string_view name) const {
  std::vector<std::string> names;
  for (const Program& p : impl_->programs) {
    if (p.name() == name) return p;
    names.push_back(p.name());
  }
  return no_such("program", name, names);
}

}  // namespace drydock::api
