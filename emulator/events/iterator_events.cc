// SPDX-License-Identifier: Apache-2.0
#include "emulator/events/iterator_events.h"

#include <cerrno>
#include <cstring>

namespace drydock {
namespace {

constexpr size_t kBuffer = 8 * 4096;  // bytes of a read's buffer
constexpr uint64_t kMetaBytes = 24;   // struct bpf_iter_meta: seq, session_id, seq_num

}  // namespace

struct IteratorEvents::Session {
  std::shared_ptr<ProgramObject> program;
  const Objects* objects = nullptr;
  uint64_t id = 0, seq_num = 0;
  size_t next = 0;       // object to show next
  bool stopped = false;  // the call with NULL was made
  Region* meta = nullptr;
  Region* context = nullptr;
  uint64_t seq_file = 0;
  IteratorResult* result = nullptr;
};

/// 0; -EAGAIN when the program wants the object again; -EFAULT after a fault.
Result<int64_t> IteratorEvents::show(Session& s, const std::vector<uint64_t>& slots) {
  std::memcpy(s.meta->host + 16, &s.seq_num, 8);
  std::memcpy(s.context->host + 8, slots.data(), 8 * slots.size());
  auto run = runner_.run(s.program, s.context->base);
  if (!run) return std::unexpected(run.error());
  s.result->runs.push_back(std::move(*run));
  const RunReport& report = s.result->runs.back().report;
  if (!report.ok()) return -EFAULT;
  return static_cast<int32_t>(report.return_value) == 0 ? 0 : -EAGAIN;
}

/// One read(2) with a buffer of its own: bytes, 0 at the end, or a negative errno.
Result<int64_t> IteratorEvents::read_once(Session& s) {
  World& world = runner_.world();
  world.clear_output(Output::kSeqFile);
  bool first = true;
  for (; s.next < s.objects->size(); ++s.next, ++s.seq_num, first = false) {
    std::string before = world.output(Output::kSeqFile);
    auto err = show(s, (*s.objects)[s.next]);
    if (!err) return err;
    bool full = world.seq_overflowed();
    if (*err == 0 && !full) continue;
    // Not to be shown now: what it printed is taken back, and it comes first in the next read.
    world.clear_output(Output::kSeqFile);
    if (first || *err == -EFAULT) return *err ? *err : int64_t{-E2BIG};
    world.write(Output::kSeqFile, before);
    break;
  }
  if (s.next == s.objects->size() && !s.stopped) {
    std::vector<uint64_t> none(s.objects->empty() ? s.context->size / 8 - 1
                                                  : s.objects->front().size());
    std::string before = world.output(Output::kSeqFile);
    auto err = show(s, none);
    if (!err) return err;
    if (world.seq_overflowed()) {
      world.clear_output(Output::kSeqFile);
      if (before.empty()) return int64_t{-E2BIG};
      world.write(Output::kSeqFile, before);
    } else {
      s.stopped = true;
    }
  }
  std::string text = world.output(Output::kSeqFile);
  s.result->output += text;
  return static_cast<int64_t>(text.size());
}

Result<IteratorResult> IteratorEvents::read_all(const std::shared_ptr<ProgramObject>& program,
                                                const Objects& objects, uint32_t retries) {
  World& world = runner_.world();
  constexpr size_t kMostSlots = 4;
  IteratorResult result;
  Session s{.program = program, .objects = &objects, .id = ++sessions_, .result = &result};
  auto seq_file = world.objects().make("seq_file", "iterator");
  if (!seq_file) return std::unexpected(seq_file.error());
  s.seq_file = *seq_file;
  s.meta = world.memory().allocate(
      {.kind = RegionKind::kObject, .size = kMetaBytes, .name = "bpf_iter_meta"});
  s.context = world.memory().allocate(
      {.kind = RegionKind::kContext, .size = 8 * (1 + kMostSlots), .name = "iterator context"});
  std::memcpy(s.meta->host, &s.seq_file, 8);
  std::memcpy(s.meta->host + 8, &s.id, 8);
  std::memcpy(s.context->host, &s.meta->base, 8);
  world.set_seq_limit(kBuffer);
  while (true) {
    auto got = read_once(s);
    if (!got) return std::unexpected(got.error());
    ++result.reads;
    if (*got == -EAGAIN && retries > 0) {
      --retries;
      continue;
    }
    if (*got < 0) result.err = *got;
    if (*got <= 0) break;
  }
  world.memory().free(s.context);
  world.memory().free(s.meta);
  return result;
}

}  // namespace drydock
