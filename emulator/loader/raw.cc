// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "emulator/loader/object.h"

namespace drydock {

Result<std::shared_ptr<ProgramObject>> load_raw(Kernel& kernel, const RawProgram& program) {
  attr::ProgLoad a{};
  char log = 0;
  a.prog_type = static_cast<uint32_t>(program.type);
  a.expected_attach_type = static_cast<uint32_t>(program.attach_type);
  a.insn_cnt = static_cast<uint32_t>(program.insns.size());
  a.insns = reinterpret_cast<uint64_t>(program.insns.data());
  a.license = reinterpret_cast<uint64_t>(program.license.c_str());
  a.prog_flags = program.flags;
  program.name.copy(a.prog_name, sizeof a.prog_name - 1);
  a.log_level = kLogStats;
  a.log_buf = reinterpret_cast<uint64_t>(&log);
  a.log_size = 1;
  if (!program.attach_function.empty()) {
    // A function; for tp_btf the typedef btf_trace_NAME; for struct_ops the struct of operations.
    const Btf& btf = *kernel.profile().btf();
    for (BtfKind kind : {BtfKind::kFunc, BtfKind::kTypedef, BtfKind::kStruct})
      if (!a.attach_btf_id) a.attach_btf_id = btf.find(program.attach_function, kind);
    if (!a.attach_btf_id)
      return not_found("kernel " + kernel.profile().name() + " has no function or type '" +
                       program.attach_function + "'");
  }
  std::shared_ptr<ProgramObject> loaded;
  kernel.set_recorder([&](uint64_t log_buf, const std::shared_ptr<ProgramObject>& object) {
    if (log_buf != a.log_buf) return false;
    loaded = object;
    return true;
  });
  int64_t fd = kernel.call(BpfCommand::kProgLoad, a);
  kernel.set_recorder({});
  if (fd < 0)
    return std::unexpected(Error{
        ErrorKind::kMalformed,
        std::string("BPF_PROG_LOAD: ") + std::strerror(static_cast<int>(-fd)),
        static_cast<int>(-fd)});
  kernel.close(static_cast<int>(fd));
  return loaded;
}

}  // namespace drydock
