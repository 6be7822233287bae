// SPDX-License-Identifier: Apache-2.0
#include "emulator/events/runner.h"

#include <algorithm>
#include <array>
#include <utility>

#include "helpers/helper_row.h"
#include "kfuncs/kfunc_row.h"
#include "maps/arena_map.h"

namespace drydock {
namespace {

template <size_t kIndex>
uint64_t replaced(Machine& machine, std::span<const uint64_t, 5>) {
  return machine.replaced_result(kIndex);
}

/// One function a place in the world's list of overrides.
template <size_t... kIndices>
constexpr auto replaced_functions(std::index_sequence<kIndices...>) {
  return std::array<HelperFunction, sizeof...(kIndices)>{replaced<kIndices>...};
}
constexpr auto kReplaced = replaced_functions(std::make_index_sequence<World::kMostOverrides>());

HelperFunction override_of(const World& world, std::string_view name) {
  for (size_t i = 0; i < world.overrides().size(); ++i)
    if (world.overrides()[i].function == name) return kReplaced[i];
  return nullptr;
}

bool is_percpu(const Btf& btf, uint32_t variable) {
  const BtfType* section = btf.type(btf.find(".data..percpu", BtfKind::kDatasec));
  if (!section) return false;
  return std::ranges::any_of(section->secinfos(),
                             [&](const BtfVarSecinfo& info) { return info.type == variable; });
}

/// What the analysis found never to be reached may hold what could not run.
std::vector<isa::Insn> without_dead_code(std::vector<isa::Insn> insns, const Verdict& verdict) {
  constexpr isa::Insn kForEver{.code = isa::kJmp | isa::kJa, .off = -1};
  for (uint32_t dead : verdict.unreachable_insns) {
    if (isa::is_ld_imm64(insns[dead])) insns[dead + 1] = kForEver;
    insns[dead] = kForEver;
  }
  return insns;
}

std::optional<uint32_t> exception_callback(const Verdict& verdict) {
  auto found = std::ranges::find(verdict.func_is_exception_callback, true);
  if (found == verdict.func_is_exception_callback.end()) return {};
  return verdict
      .subprog_starts[static_cast<size_t>(found - verdict.func_is_exception_callback.begin())];
}

}  // namespace

/// Names and functions of what a program calls; overrides of the case come first.
class Runner::Calls final : public CallResolver {
 public:
  Calls(const ProgramObject& program, const World& world) : program_(program), world_(world) {}

  Callee helper(uint32_t id) const override {
    const HelperRow* row = helper_row(id);
    std::string name = row ? "bpf_" + std::string(row->name) : "helper #" + std::to_string(id);
    HelperFunction override = override_of(world_, name);
    return {override ? override : helper_function(id), name};
  }
  Callee kfunc(const isa::Insn& insn) const override {
    const Btf* btf = world_.profile().btf().get();
    if (insn.off > 0 && static_cast<size_t>(insn.off) < program_.input.fd_array.size()) {
      int err = 0;
      auto module = program_.fds->btf(program_.input.fd_array[static_cast<size_t>(insn.off)], &err);
      if (module) btf = module.get();
    }
    std::string name(btf->name_of(static_cast<uint32_t>(insn.imm)));
    HelperFunction override = override_of(world_, name);
    return {override ? override : kfunc_function(name), name};
  }

 private:
  const ProgramObject& program_;
  const World& world_;
};

Result<uint64_t> Runner::variable(const ProgramObject& program, const isa::Insn& insn,
                                  uint32_t module_fd) {
  std::shared_ptr<const Btf> btf = world_.profile().btf();
  if (module_fd) {
    int err = 0;
    btf = program.fds->btf(static_cast<int>(module_fd), &err);
    if (!btf) return malformed("a kernel variable of a module that is not there");
  }
  auto id = static_cast<uint32_t>(insn.imm);
  uint64_t& address = variables_[{btf.get(), id}];
  if (address) return address;
  const BtfType* type = btf->type(id);
  if (!type) return malformed("no BTF type " + std::to_string(id));
  uint32_t size = type->kind() == BtfKind::kVar ? btf->size_of(type->type()).value_or(8) : 8;
  if (is_percpu(*btf, id)) size = ((size + 7) & ~7u) * world_.cpu_count();
  address = world_.memory()
                .allocate({.kind = RegionKind::kObject,
                           .size = size,
                           .name = "kernel variable " + std::string(btf->name_of(*type))})
                ->base;
  return address;
}

Result<std::vector<InsnNote>> Runner::notes_of(const ProgramObject& program, ArenaMap** arena) {
  std::vector<InsnNote> notes;
  const auto& insns = program.input.insns;
  for (uint32_t i = 0; i + 1 < insns.size(); ++i) {
    const isa::Insn& insn = insns[i];
    if (!isa::is_ld_imm64(insn)) continue;
    auto second = static_cast<uint32_t>(insns[i + 1].imm);
    uint8_t source = insn.src;
    bool by_index = source == isa::kPseudoMapIdx || source == isa::kPseudoMapIdxValue;
    bool value = source == isa::kPseudoMapValue || source == isa::kPseudoMapIdxValue;
    if (source == isa::kPseudoBtfId) {
      auto address = variable(program, insn, second);
      if (!address) return std::unexpected(address.error());
      notes.push_back({.insn = i, .value = *address});
    } else if (by_index || value || source == isa::kPseudoMapFd) {
      int fd = insn.imm;
      if (by_index) {
        if (static_cast<size_t>(fd) >= program.input.fd_array.size())
          return malformed("instruction " + std::to_string(i) + " names map " + std::to_string(fd) +
                           " of an array that is shorter");
        fd = program.input.fd_array[static_cast<size_t>(fd)];
      }
      auto entry = program.fds->entries.find(fd);
      if (entry == program.fds->entries.end() || !entry->second.map)
        return malformed("instruction " + std::to_string(i) + " names a map that is not there");
      Map& map = *entry->second.map->map;
      world_.add_map(&map);
      if (map.type == MapType::kArena) *arena = static_cast<ArenaMap*>(&map);
      notes.push_back({.insn = i, .value = value ? map.direct_value() + second : map.address()});
    }
    ++i;
  }
  for (const RunAnnotation& a : program.verdict.annotations) {
    if (a.arena) notes.push_back({.insn = a.insn, .kind = InsnNote::Kind::kArena});
    else if (a.probe_load) notes.push_back({.insn = a.insn, .kind = InsnNote::Kind::kProbeLoad});
  }
  std::ranges::stable_sort(notes, {}, &InsnNote::insn);
  return notes;
}

Result<const Executable*> Runner::prepare(const std::shared_ptr<ProgramObject>& program) {
  auto& executable = executables_[program.get()];
  if (executable) return executable.get();
  ArenaMap* arena = nullptr;
  auto notes = notes_of(*program, &arena);
  if (!notes) return std::unexpected(notes.error());
  Calls calls(*program, world_);
  ProgramImage image{.name = program->input.name,
                     .insns = without_dead_code(program->input.insns, program->verdict),
                     .notes = std::move(*notes),
                     .exception_callback = exception_callback(program->verdict)};
  if (arena) {
    arenas_[program.get()] = arena;
    image.arena = {arena->kernel_base(), arena->user_base(), arena->converts_to_user()};
  }
  auto made = Executable::create(std::move(image), calls, world_.memory());
  if (!made) return std::unexpected(made.error());
  kept_.push_back(program);
  executable = std::move(*made);
  return executable.get();
}

void Runner::enter(const ProgramObject& program) {
  const ProgramInput& input = program.input;
  world_.set_program_btf(input.btf);
  if (auto arena = arenas_.find(&program); arena != arenas_.end()) arena->second->take_user_pages();
  world_.set_call_site({.program_type = input.type,
                        .attach_type = input.expected_attach_type,
                        .sleepable = (input.flags & kProgSleepable) != 0});
}

const Executable* Runner::tail_call(void* program) {
  // Program arrays hold shared pointers; one that shares ownership is made from the object's own.
  std::shared_ptr<ProgramObject> object(std::shared_ptr<void>(),
                                        static_cast<ProgramObject*>(program));
  auto executable = prepare(object);
  if (!executable) return nullptr;
  enter(*object);
  return *executable;
}

Result<ProgramRun> Runner::run(const std::shared_ptr<ProgramObject>& program, uint64_t context) {
  auto executable = prepare(program);
  if (!executable) return std::unexpected(executable.error());
  world_.set_context(context);
  enter(*program);
  const uint64_t args[] = {context};
  world_.clear_interrupt();
  return ProgramRun{program->input.name, interpreter_.run(**executable, args, limits_)};
}

}  // namespace drydock
