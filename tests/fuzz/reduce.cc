// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/reduce.h"

#include "tests/fuzz/edit.h"
#include "tests/fuzz/pool.h"

namespace drydock::fuzz {
namespace {

constexpr int kMostAttempts = 6000;

class Reduction {
 public:
  Reduction(const ProgramObject& program, const StillShows& still_shows)
      : best_(copy_of(program)), still_shows_(still_shows) {}

  std::shared_ptr<ProgramObject> run() {
    leave_out_records();
    for (bool smaller = true; smaller;) {
      smaller = false;
      for (size_t chunk = best_->input.insns.size() / 2; chunk > 0; chunk /= 2)
        smaller |= leave_out(chunk);
      smaller |= simplify();
    }
    leave_out_records();
    return best_;
  }

 private:
  template <class Edit>
  bool try_edit(Edit edit) {
    if (++attempts_ > kMostAttempts) return false;
    auto candidate = copy_of(*best_);
    edit(candidate->input);
    if (candidate->input.insns.empty() || !still_shows_(*candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }

  /// From the end, so that what comes before keeps its place.
  bool leave_out(size_t chunk) {
    bool any = false;
    for (size_t at = best_->input.insns.size(); at > 0;) {
      at = at > chunk ? at - chunk : 0;
      if (at >= best_->input.insns.size()) continue;
      any |= try_edit([&](ProgramInput& p) { erase_insns(p, at, chunk); });
    }
    return any;
  }

  bool simplify() {
    bool any = false;
    for (size_t i = 0; i < best_->input.insns.size(); ++i) {
      const isa::Insn insn = best_->input.insns[i];
      const isa::Insn zero{.code = isa::kAlu64 | isa::kMov | isa::kK, .dst = insn.dst};
      if (!isa::is_ld_imm64(insn) && insn.code != 0 && !(insn == zero) && insn.dst < 10)
        any |= try_edit([&](ProgramInput& p) { p.insns[i] = zero; });
    }
    return any;
  }

  void leave_out_records() {
    try_edit([](ProgramInput& p) { p.line_info.clear(); });
    try_edit([](ProgramInput& p) { p.line_info.clear(), p.func_info.clear(); });
    try_edit([](ProgramInput& p) { p.flags = 0; });
    try_edit([](ProgramInput& p) { p.license = "GPL"; });
  }

  std::shared_ptr<ProgramObject> best_;
  const StillShows& still_shows_;
  int attempts_ = 0;
};

}  // namespace

std::shared_ptr<ProgramObject> reduce(const ProgramObject& program, const StillShows& still_shows) {
  return Reduction(program, still_shows).run();
}

}  // namespace drydock::fuzz
