// SPDX-License-Identifier: Apache-2.0
// Helpers that print: the trace pipe, an iterator's file, a buffer of the program.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "helpers/format.h"
#include "helpers/functions.h"
#include "helpers/machine.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

constexpr size_t kMostArguments = 12;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

struct Rendered {
  int64_t err = 0;
  std::string text;
};

/// A format of `size` bytes, its NUL among them, and arguments.
Rendered render(Machine& machine, uint64_t format, uint64_t size,
                const std::vector<uint64_t>& args) {
  const std::byte* bytes = machine.bytes(format, size, Access::kRead);
  if (!bytes) return {-EFAULT, {}};
  std::string_view whole(reinterpret_cast<const char*>(bytes), size);
  size_t end = whole.find('\0');
  std::vector<Conversion> conversions;
  if (end == std::string_view::npos ||
      !parse_format(whole.substr(0, end), args.size(), &conversions))
    return {-EINVAL, {}};
  return {0, render_format(machine, conversions, args)};
}

/// An array of u64 arguments, `size` bytes.
bool read_arguments(Machine& machine, uint64_t data, uint64_t size, std::vector<uint64_t>* args,
                    int64_t* err) {
  if (size % 8 || size > kMostArguments * 8 || (size && !data)) {
    *err = -EINVAL;
    return false;
  }
  args->resize(size / 8);
  if (size == 0) return true;
  const std::byte* bytes = machine.bytes(data, size, Access::kRead);
  if (!bytes) return false;
  std::memcpy(args->data(), bytes, size);
  return true;
}

uint64_t trace_printk(Machine& machine, Args args) {
  Rendered r = render(machine, args[0], args[1], {args[2], args[3], args[4]});
  if (r.err) return result(r.err);
  machine.write(Output::kTrace, r.text);
  return r.text.size();
}

uint64_t trace_vprintk(Machine& machine, Args args) {
  std::vector<uint64_t> values;
  int64_t err = 0;
  if (!read_arguments(machine, args[2], args[3], &values, &err)) return result(err);
  Rendered r = render(machine, args[0], args[1], values);
  if (r.err) return result(r.err);
  machine.write(Output::kTrace, r.text);
  return r.text.size();
}

/// buffer, its size, format (read-only text), arguments, their bytes. Returns the length with the
/// NUL that the whole text would have.
uint64_t snprintf_function(Machine& machine, Args args) {
  std::vector<uint64_t> values;
  int64_t err = 0;
  if (!read_arguments(machine, args[3], args[4], &values, &err)) return result(err);
  auto format = machine.memory().read_string(args[2], UINT32_MAX);
  if (!format) {
    machine.fault(std::move(format.error()));
    return 0;
  }
  Rendered r = render(machine, args[2], format->size() + 1, values);
  if (r.err) return result(r.err);
  if (args[1]) {
    std::byte* buffer = machine.bytes(args[0], args[1], Access::kWrite);
    if (!buffer) return 0;
    size_t length = std::min<size_t>(r.text.size(), args[1] - 1);
    std::memcpy(buffer, r.text.data(), length);
    buffer[length] = std::byte{0};
  }
  return r.text.size() + 1;
}

/// seq_file, format, its size, arguments, their bytes.
uint64_t seq_printf(Machine& machine, Args args) {
  std::vector<uint64_t> values;
  int64_t err = 0;
  if (!read_arguments(machine, args[3], args[4], &values, &err)) return result(err);
  Rendered r = render(machine, args[1], args[2], values);
  if (r.err) return result(r.err);
  machine.write(Output::kSeqFile, r.text);
  return machine.seq_overflowed() ? result(-EOVERFLOW) : 0;
}

uint64_t seq_write(Machine& machine, Args args) {
  const std::byte* data = machine.bytes(args[1], args[2], Access::kRead);
  if (!data && args[2]) return 0;
  machine.write(Output::kSeqFile, {reinterpret_cast<const char*>(data), args[2]});
  return machine.seq_overflowed() ? result(-EOVERFLOW) : 0;
}

constexpr HelperEmulation kFunctions[] = {
    {helper_id::trace_printk, trace_printk},  {helper_id::trace_vprintk, trace_vprintk},
    {helper_id::snprintf, snprintf_function}, {helper_id::seq_printf, seq_printf},
    {helper_id::seq_write, seq_write},
};

}  // namespace

std::span<const HelperEmulation> output_functions() { return kFunctions; }

}  // namespace drydock
