// SPDX-License-Identifier: Apache-2.0
// Kfuncs on dynptrs: bounds, copies, slices.
#include <cerrno>

#include "helpers/dynptr.h"
#include "kfuncs/functions.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

uint64_t adjust(Machine& machine, Args args) {
  auto dynptr = Dynptr::load(machine, args[0]);
  if (!dynptr) return 0;
  auto start = static_cast<uint32_t>(args[1]), end = static_cast<uint32_t>(args[2]);
  if (!dynptr->data || start > end) return result(-EINVAL);
  if (start > dynptr->size || end > dynptr->size) return result(-ERANGE);
  dynptr->offset += start;
  dynptr->size = end - start;
  dynptr->store(machine, args[0]);
  return 0;
}
uint64_t is_null(Machine& machine, Args args) {
  auto dynptr = Dynptr::load(machine, args[0]);
  return dynptr && !dynptr->data;
}
uint64_t is_rdonly(Machine& machine, Args args) {
  auto dynptr = Dynptr::load(machine, args[0]);
  return dynptr && dynptr->data && dynptr->read_only;
}
uint64_t size(Machine& machine, Args args) {
  auto dynptr = Dynptr::load(machine, args[0]);
  if (!dynptr) return 0;
  return dynptr->data ? dynptr->size : result(-EINVAL);
}
uint64_t clone(Machine& machine, Args args) {
  auto dynptr = Dynptr::load(machine, args[0]);
  if (!dynptr) return 0;
  int64_t err = dynptr->data ? 0 : -EINVAL;
  (err ? Dynptr() : *dynptr).store(machine, args[1]);
  return result(err);
}
uint64_t slice_of(Machine& machine, Args args, bool writable) {
  auto dynptr = Dynptr::load(machine, args[0]);
  if (!dynptr || (writable && dynptr->read_only)) return 0;
  auto offset = static_cast<uint32_t>(args[1]), length = static_cast<uint32_t>(args[3]);
  return dynptr->slice(machine, offset, length, args[2]);
}
uint64_t slice(Machine& machine, Args args) { return slice_of(machine, args, false); }
uint64_t slice_rdwr(Machine& machine, Args args) { return slice_of(machine, args, true); }

constexpr KfuncEmulation kFunctions[] = {
    {"bpf_dynptr_adjust", adjust},         {"bpf_dynptr_is_null", is_null},
    {"bpf_dynptr_is_rdonly", is_rdonly},   {"bpf_dynptr_size", size},
    {"bpf_dynptr_clone", clone},           {"bpf_dynptr_slice", slice},
    {"bpf_dynptr_slice_rdwr", slice_rdwr},
};

}  // namespace

std::span<const KfuncEmulation> dynptr_kfuncs() { return kFunctions; }

}  // namespace drydock
