// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/pool.h"

#include <filesystem>

#include "base/file.h"
#include "emulator/syscall/attr.h"
#include "emulator/syscall/standard_kernel.h"
#include "tests/fuzz/mutate.h"
#include "tests/verifier/random_memory_program.h"
#include "tests/verifier/random_program.h"

namespace drydock::fuzz {
namespace {

constexpr uint64_t kMillisecondsToJoin = 2000;

int make_map(Kernel& kernel, MapType type, uint32_t key, uint32_t value, uint32_t entries) {
  attr::MapCreate create{};
  create.map_type = static_cast<uint32_t>(type);
  create.key_size = key;
  create.value_size = value;
  create.max_entries = entries;
  return static_cast<int>(kernel.call(BpfCommand::kMapCreate, create));
}

/// Those of generated programs.
std::pair<int, int> make_maps(Kernel& kernel) {
  using namespace verifier::test;
  return {make_map(kernel, MapType::kArray, 4, kValueSize, 1),
          make_map(kernel, MapType::kHash, 8, kHashValueSize, 8)};
}

/// The map of that id, in another kernel where the same was done.
std::shared_ptr<MapObject> counterpart(Kernel& kernel, const MapObject& map) {
  return std::static_pointer_cast<MapObject>(kernel.descriptors().by_id(ObjectKind::kMap, map.id));
}

}  // namespace

ProgramPool::ProgramPool(std::shared_ptr<const Profile> profile, Capabilities capabilities)
    : profile_(std::move(profile)),
      capabilities_(capabilities),
      maps_(std::make_shared<ResolvedFds>()) {
  homes_.push_back({new_kernel(), ""});
  Kernel& kernel = *homes_.back().kernel;
  const auto [array, hash] = make_maps(kernel);
  array_ = array;
  hash_ = hash;
  for (int fd : {array_, hash_}) maps_->entries[fd].map = kernel.object<MapObject>(fd);
}

ProgramPool::~ProgramPool() = default;

std::unique_ptr<Kernel> ProgramPool::new_kernel() const {
  Kernel::Settings settings = standard_settings();
  settings.capabilities = capabilities_;
  return std::make_unique<Kernel>(profile_, std::move(settings));
}

Result<size_t> ProgramPool::add_object(const std::string& path, uint64_t most_insns) {
  auto bytes = read_file(path);
  if (!bytes) return std::unexpected(bytes.error());
  homes_.push_back({new_kernel(), path});
  Loader loader(*homes_.back().kernel);
  auto inspected = loader.inspect(*bytes, path);
  if (!inspected) return std::unexpected(inspected.error());
  size_t added = 0;
  for (InspectedProgram& p : inspected->programs) {
    if (!p.program || p.program->input.insns.size() > most_insns) continue;
    Options options;
    options.limits.wall_clock_ms = kMillisecondsToJoin;
    const Verdict verdict = verify(p.program->input, *profile_, *p.program->fds, options);
    if (verdict.kind == VerdictKind::kUnsupported ||
        verdict.statistics.insns_processed > most_insns)
      continue;
    programs_.push_back({p.program, std::filesystem::path(path).filename().string() + ":" + p.name,
                         homes_.size() - 1});
    ++added;
  }
  return added;
}

std::shared_ptr<ProgramObject> ProgramPool::blank() const {
  auto program = std::make_shared<ProgramObject>();
  program->fds = maps_;
  program->input.license = "GPL";
  program->input.name = "generated";
  return program;
}

ProgramPool::Case ProgramPool::generated(uint64_t seed, bool memory) const {
  auto program = blank();
  ProgramInput& input = program->input;
  if (!memory) {
    input.insns = verifier::test::RandomProgram(seed).generate();
    input.type = ProgramType::kSocketFilter;
    return {program, "arithmetic"};
  }
  verifier::test::RandomMemoryProgram random(seed, array_, hash_);
  input.insns = random.generate();
  input.type = random.type();
  if (input.type == ProgramType::kCgroupSockAddr)
    input.expected_attach_type = AttachType::kCgroupInet4Connect;
  return {program, "memory"};
}

ProgramPool::Case ProgramPool::program(uint64_t seed) const {
  std::mt19937_64 random(seed);
  const uint64_t kind = random() % 10;
  const bool from_object = !programs_.empty() && kind < 7;
  if (!from_object) {
    Case made = generated(seed, kind & 1);
    if (random() % 2) return made;
    Case donor = generated(random(), random() & 1);
    Mutator(random).mutate(made.program->input, donor.program->input);
    return made;
  }
  const Source& source = programs_[random() % programs_.size()];
  const Source& donor = programs_[random() % programs_.size()];
  Case made{copy_of(*source.program), source.name, source.kernel};
  Mutator(random).mutate(made.program->input, donor.program->input);
  return made;
}

ProgramPool::Room ProgramPool::room_for(const Case& made) const {
  Room room{new_kernel(), {}, nullptr};
  const std::string& path = homes_[made.kernel].path;
  if (path.empty()) {
    make_maps(*room.kernel);
  } else {
    auto bytes = read_file(path);
    if (!bytes) return room;
    auto inspected = Loader(*room.kernel).inspect(*bytes, path);
    if (!inspected) return room;
    room.object = std::move(*inspected);
  }
  auto program = copy_of(*made.program);
  program->fds = std::make_shared<ResolvedFds>(*program->fds);
  for (auto& [fd, entry] : program->fds->entries)
    if (entry.map && !(entry.map = counterpart(*room.kernel, *entry.map))) return room;
  for (std::shared_ptr<MapObject>& map : program->maps)
    if (!(map = counterpart(*room.kernel, *map))) return room;
  room.program = std::move(program);
  return room;
}

std::shared_ptr<ProgramObject> copy_of(const ProgramObject& program) {
  auto copy = std::make_shared<ProgramObject>();
  copy->input = program.input;
  copy->fds = program.fds;
  copy->btf = program.btf;
  copy->target = program.target;
  copy->maps = program.maps;
  return copy;
}

}  // namespace drydock::fuzz
