// SPDX-License-Identifier: Apache-2.0
#include "emulator/loader/object.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "emulator/loader/btf_sanity.h"
#include "emulator/loader/fixups.h"
#include "emulator/loader/libbpf_lines.h"
#include "emulator/loader/map_privileges.h"

namespace drydock {
namespace {

std::string text_or_empty(const char* text) { return text ? text : ""; }

// libbpf names an object, and after it the maps of its sections, by the file's name up to the first
// dot.
std::string object_name(const std::string& file) {
  size_t slash = file.rfind('/');
  std::string base = slash == file.npos ? file : file.substr(slash + 1);
  return base.substr(0, base.find('.'));
}

// The map of a section goes by the section's name; libbpf calls it after the object as well.
std::string source_name(const bpf_map* map) {
  std::string name = text_or_empty(bpf_map__name(map));
  size_t dot = name.find('.');
  return bpf_map__is_internal(map) && dot != name.npos ? name.substr(dot) : name;
}

Error failure(const std::string& file, const std::vector<std::string>& messages, int err) {
  return {ErrorKind::kMalformed, file + ": " + failure_cause(messages, err), err};
}

}  // namespace

// One opening of an object by libbpf, with the fix-ups, and the recording of what it loads.
class Loader::Pass {
 public:
  Pass(Loader& loader, std::span<const std::byte> elf, const std::string& file)
      : loader_(loader), call_(loader.kernel_, loader.files_) {
    LIBBPF_OPTS(bpf_object_open_opts, options);
    name_ = object_name(file);
    options.object_name = name_.c_str();
    object_ = bpf_object__open_mem(elf.data(), elf.size(), &options);
    err_ = object_ ? 0 : errno;
    if (!object_) return;
    bpf_program* program;
    bpf_object__for_each_program(program, object_) programs_.push_back(program);
  }
  ~Pass() {
    loader_.kernel_.set_recorder({});
    if (object_) bpf_object__close(object_);
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  bool open() const { return object_; }
  int err() const { return err_; }
  const std::vector<bpf_program*>& programs() const { return programs_; }
  bpf_object* object() const { return object_; }
  std::vector<std::string> messages() { return call_.take_messages(); }

  InspectedProgram describe(size_t i) const {
    const bpf_program* program = programs_[i];
    InspectedProgram out;
    out.name = text_or_empty(bpf_program__name(program));
    out.section = text_or_empty(bpf_program__section_name(program));
    out.type = static_cast<ProgramType>(bpf_program__type(program));
    out.attach_type = static_cast<AttachType>(bpf_program__expected_attach_type(program));
    out.autoload = bpf_program__autoload(program);
    return out;
  }

  // Loads the programs for which wanted(i) holds and puts those that reach the kernel into out[i].
  template <class Wanted>
  int record(std::vector<InspectedProgram>& out, Wanted wanted) {
    // The address of its log buffer tells which program a BPF_PROG_LOAD is about.
    std::vector<char> buffers(programs_.size() + 1);
    for (size_t i = 0; i < programs_.size(); ++i) {
      bpf_program__set_autoload(programs_[i], wanted(i));
      if (!wanted(i)) continue;
      bpf_program__set_log_buf(programs_[i], &buffers[i], 1);
      bpf_program__set_log_level(programs_[i], kLogStats);
      guess_freplace_type(object_, programs_[i]);
    }
    auto first = reinterpret_cast<uint64_t>(buffers.data());
    loader_.kernel_.set_recorder([&](uint64_t log_buf,
                                     const std::shared_ptr<ProgramObject>& program) {
      if (log_buf < first || log_buf >= first + programs_.size()) return false;
      InspectedProgram& slot = out[log_buf - first];
      slot.program = program;
      slot.type = program->input.type;
      slot.attach_type = program->input.expected_attach_type;
      return true;
    });
    int err = bpf_object__load(object_);
    loader_.kernel_.set_recorder({});
    return -err;
  }

 private:
  Loader& loader_;
  LibbpfCall call_;
  std::string name_;
  bpf_object* object_ = nullptr;
  int err_ = 0;
  std::vector<bpf_program*> programs_;
};

Loader::Loader(Kernel& kernel) : kernel_(kernel), files_(kernel.shared_profile()) {}
Loader::~Loader() = default;

Result<InspectedObject> Loader::inspect(std::span<const std::byte> elf, const std::string& file,
                                        const InspectOptions& options) {
  auto prepare = [&](bpf_object* object) {
    if (options.fix_ups) relax_maps(object);
    if (options.unprivileged_maps) leave_out_privileged_maps(object);
  };
  if (Status sound = check_object_btf(elf, file); !sound) return std::unexpected(sound.error());
  InspectedObject result;
  bool together = true;
  {
    Pass pass(*this, elf, file);
    if (!pass.open()) return std::unexpected(failure(file, pass.messages(), pass.err()));
    for (size_t i = 0; i < pass.programs().size(); ++i) result.programs.push_back(pass.describe(i));
    result.messages = pass.messages();
    prepare(pass.object());
    // A struct_ops map decides which of its programs libbpf loads: those go one by one.
    together = !has_struct_ops_maps(pass.object());
    if (together) pass.record(result.programs, [](size_t) { return true; });
  }
  // One program that cannot be brought to the kernel ends libbpf's pass for all: the others get
  // passes of their own.
  for (size_t i = 0; i < result.programs.size(); ++i) {
    InspectedProgram& program = result.programs[i];
    if (program.program) continue;
    Pass pass(*this, elf, file);
    if (!pass.open()) return std::unexpected(failure(file, pass.messages(), pass.err()));
    prepare(pass.object());
    keep_only_in_struct_ops(pass.object(), pass.programs()[i]);
    pass.messages();
    int err = pass.record(result.programs, [i](size_t n) { return n == i; });
    program.messages = pass.messages();
    if (program.program) continue;
    program.error = failure(file, program.messages, err ? err : EINVAL);
    if (was_refused(program.messages)) program.refused = err;
  }
  return result;
}

Result<std::unique_ptr<LoadedObject>> Loader::load(
    std::span<const std::byte> elf, const std::string& file, const LoadOptions& options) {
  if (Status sound = check_object_btf(elf, file); !sound) return std::unexpected(sound.error());
  std::unique_ptr<LoadedObject> loaded(new LoadedObject(kernel_, files_));
  LibbpfCall call(kernel_, files_);
  LIBBPF_OPTS(bpf_object_open_opts, open_options);
  std::string name = object_name(file);
  open_options.object_name = name.c_str();
  open_options.kernel_log_level = options.log_level;
  bpf_object* object = loaded->object_ =
      bpf_object__open_mem(elf.data(), elf.size(), &open_options);
  if (!object) {
    int err = errno;
    return std::unexpected(failure(file, call.take_messages(), err));
  }
  if (options.fix_ups) relax_maps(object);
  for (const MapOverride& override : options.maps) {
    bpf_map* map = bpf_object__find_map_by_name(object, override.name.c_str());
    if (!map) return not_found(file + ": no map '" + override.name + "'");
    if (override.max_entries) bpf_map__set_max_entries(map, *override.max_entries);
  }
  bpf_program* program;
  if (!options.programs.empty()) {
    for (const std::string& wanted : options.programs)
      if (!bpf_object__find_program_by_name(object, wanted.c_str()))
        return not_found(file + ": no program '" + wanted + "'");
    bpf_object__for_each_program(program, object) bpf_program__set_autoload(
        program, std::ranges::count(options.programs, bpf_program__name(program)) > 0);
  }
  bpf_object__for_each_program(program, object)
      bpf_program__set_flags(program, bpf_program__flags(program) | options.program_flags);
  int err = bpf_object__load(object);
  loaded->messages_ = call.take_messages();
  if (err) return std::unexpected(failure(file, loaded->messages_, -err));
  bpf_object__for_each_program(program, object) {
    int fd = bpf_program__fd(program);
    loaded->programs_.push_back({text_or_empty(bpf_program__name(program)),
                                 text_or_empty(bpf_program__section_name(program)),
                                 fd < 0 ? -1 : fd,
                                 fd < 0 ? nullptr : kernel_.object<ProgramObject>(fd)});
  }
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    int fd = bpf_map__fd(map);
    auto map_object = fd < 0 ? nullptr : kernel_.object<MapObject>(fd);
    loaded->maps_.push_back({source_name(map), map_object ? map_object->map->name : "",
                             fd < 0 ? -1 : fd, map_object});
  }
  return loaded;
}

LoadedObject::~LoadedObject() {
  if (!object_) return;
  LibbpfCall call(kernel_, files_);
  bpf_object__close(object_);
}

const LoadedObject::Program* LoadedObject::program(std::string_view name) const {
  auto found = std::ranges::find(programs_, name, &Program::name);
  return found == programs_.end() ? nullptr : &*found;
}

const LoadedObject::LoadedMap* LoadedObject::map(std::string_view name) const {
  auto found = std::ranges::find(maps_, name, &LoadedMap::name);
  return found == maps_.end() ? nullptr : &*found;
}

}  // namespace drydock
