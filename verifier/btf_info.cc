// SPDX-License-Identifier: Apache-2.0
// The records that tie a program to its BTF: a function each for subprograms, source lines for
// instructions. The first look is before subprograms are known, as finding them takes the types
// of functions (exception callbacks); the second compares the two.
#include "verifier/program_setup.h"

namespace drydock::verifier {
namespace {

bool has_records(const Env& env) {
  return !env.program.func_info.empty() || !env.program.line_info.empty();
}

/// Without BTF nothing says that a subprogram returns an int, as these must.
Check check_abnormal_returns(Env& env) {
  for (size_t i = 1; i < env.subprogs.size(); ++i) {
    if (env.subprogs[i].has_ld_abs)
      return env.reject(EINVAL, "LD_ABS is not allowed in subprogs without BTF\n");
    if (env.subprogs[i].has_tail_call)
      return env.reject(EINVAL, "tail_call is not allowed in subprogs without BTF\n");
  }
  return Check::ok();
}

/// The function of a record, or nullptr.
const BtfType* function_of(const Btf& btf, const FuncInfo& info) {
  const BtfType* t = btf.type(info.type_id);
  return t && t->kind() == BtfKind::kFunc ? t : nullptr;
}

Check check_functions_early(Env& env) {
  const Btf& btf = *env.program.btf;
  uint32_t previous = 0;
  bool first = true;
  for (const FuncInfo& info : env.program.func_info) {
    if (first && info.insn_off)
      return env.reject(EINVAL, "nonzero insn_off {} for the first func info record",
                        info.insn_off);
    if (!first && info.insn_off <= previous)
      return env.reject(EINVAL,
                        "same or smaller insn offset ({}) than previous func info record ({})",
                        info.insn_off, previous);
    const BtfType* func = function_of(btf, info);
    if (!func)
      return env.reject(EINVAL, "invalid type id {} in func info",
                        static_cast<int32_t>(info.type_id));
    const BtfType* proto = btf.type(func->type());
    if (!proto || proto->kind() != BtfKind::kFuncProto) return Check::error(EINVAL);
    previous = info.insn_off;
    first = false;
  }
  return Check::ok();
}

bool returns_number(const Btf& btf, const BtfType& func) {
  const BtfType* proto = btf.type(func.type());
  const BtfType* ret = proto ? btf.skip_modifiers(proto->type()) : nullptr;
  return ret && ((ret->kind() == BtfKind::kInt && ret->size() <= 8) || ret->is_any_enum());
}

Check check_functions(Env& env) {
  const std::vector<FuncInfo>& infos = env.program.func_info;
  if (infos.empty()) return check_abnormal_returns(env);
  if (infos.size() != env.subprogs.size())
    return env.reject(EINVAL, "number of funcs in func_info doesn't match number of subprogs\n");
  const Btf& btf = *env.program.btf;
  for (size_t i = 0; i < infos.size(); ++i) {
    Subprogram& subprog = env.subprogs[i];
    if (subprog.start != infos[i].insn_off)
      return env.reject(EINVAL,
                        "func_info BTF section doesn't match subprog layout in BPF program\n");
    const BtfType* func = function_of(btf, infos[i]);
    if (!func) return Check::error(EINVAL);
    subprog.linkage = func->vlen();
    subprog.is_global = subprog.linkage == kBtfFuncGlobal;
    if (i == 0 || returns_number(btf, *func)) continue;
    if (subprog.has_ld_abs)
      return env.reject(EINVAL, "LD_ABS is only allowed in functions that return 'int'.\n");
    if (subprog.has_tail_call)
      return env.reject(EINVAL, "tail_call is only allowed in functions that return 'int'.\n");
  }
  return Check::ok();
}

Check check_lines(Env& env) {
  const std::vector<LineInfo>& lines = env.program.line_info;
  if (lines.empty()) return Check::ok();
  const Btf& btf = *env.program.btf;
  uint32_t previous = 0;
  size_t subprog = 0;  // the next one that needs a line at its start
  for (uint32_t i = 0; i < lines.size(); ++i) {
    const LineInfo& line = lines[i];
    if ((i && line.insn_off <= previous) || line.insn_off >= env.code.size())
      return env.reject(EINVAL, "Invalid line_info[{}].insn_off:{} (prev_offset:{} prog->len:{})\n",
                        i, line.insn_off, previous, env.code.size());
    if (!env.code[line.insn_off].code)
      return env.reject(EINVAL, "Invalid insn code at line_info[{}].insn_off\n", i);
    if (!btf.has_string(line.line_off) || !btf.has_string(line.file_name_off))
      return env.reject(EINVAL, "Invalid line_info[{}].line_off or .file_name_off\n", i);
    if (subprog < env.subprogs.size()) {
      if (line.insn_off == env.subprogs[subprog].start) env.subprogs[subprog++].linfo_index = i;
      else if (env.subprogs[subprog].start < line.insn_off)
        return env.reject(EINVAL, "missing bpf_line_info for func#{}\n", subprog);
    }
    previous = line.insn_off;
  }
  if (subprog != env.subprogs.size())
    return env.reject(EINVAL, "missing bpf_line_info for {} funcs starting from func#{}\n",
                      env.subprogs.size() - subprog, subprog);
  return Check::ok();
}

}  // namespace

Check check_btf_info_early(Env& env) {
  if (!has_records(env)) return check_abnormal_returns(env);
  if (!env.program.btf) return Check::error(EBADF);
  if (env.program.btf->is_kernel()) return Check::error(EACCES);
  return check_functions_early(env);
}

Check check_btf_info(Env& env) {
  if (!has_records(env)) return check_abnormal_returns(env);
  DRYDOCK_TRY(check_functions(env));
  return check_lines(env);
}

}  // namespace drydock::verifier
