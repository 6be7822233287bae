// SPDX-License-Identifier: Apache-2.0
#include "referee/vm_target.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "base/file.h"
#include "kernel/fetch/kernel_store.h"
#include "kernel/fetch/known_kernels.h"
#include "referee/agent_bytes.h"
#include "referee/case_requests.h"
#include "referee/initramfs.h"
#include "referee/vm_machine.h"

namespace drydock::referee {
namespace {

namespace fs = std::filesystem;

constexpr int kBootAttempts = 2;

/// The initramfs without its end: what every machine of this kernel has.
Result<CpioWriter> base_files(const StoredKernel& kernel, std::string* config) {
  auto text = read_text_file(kernel.config);
  if (!text) return std::unexpected(text.error());
  CpioWriter cpio;
  for (const char* folder : {"dev", "proc", "sys", "tmp", "boot", "objects"}) cpio.folder(folder);
  cpio.character_device("dev/console", 5, 1);
  cpio.file("init", agent_executable(), true);
  cpio.file("boot/config-" + kernel.release, as_byte_span(*text), false);
  *config = std::move(*text);
  return cpio;
}

/// Machines of one kernel with one initramfs, one after another.
class VmSessions final : public SessionSource {
 public:
  VmSessions(const StoredKernel& kernel, MemoryFile initramfs, Accelerator accelerator,
             MachineSize size)
      : kernel_(kernel), initramfs_(std::move(initramfs)), accelerator_(accelerator), size_(size) {}
  ~VmSessions() override {
    if (machine_) machine_->shut_down();
  }

  Result<AgentSession*> session() override {
    for (int attempt = 1; !machine_; ++attempt) {
      auto machine = VmMachine::boot(kernel_.image, initramfs_, accelerator_, size_);
      if (machine) machine_ = std::move(*machine);
      else if (attempt == kBootAttempts) return std::unexpected(machine.error());
    }
    return &machine_->session();
  }
  void drop() override { machine_.reset(); }
  std::string last_words() override { return machine_ ? machine_->last_words() : ""; }
  bool replaceable() const override { return true; }

 private:
  const StoredKernel& kernel_;
  MemoryFile initramfs_;
  Accelerator accelerator_;
  MachineSize size_;
  std::optional<VmMachine> machine_;
};

class VmTarget final : public Target {
 public:
  VmTarget(StoredKernel kernel, TargetOptions options)
      : name_("vm:" + kernel.name), kernel_(std::move(kernel)), options_(std::move(options)) {}

  const std::string& name() const override { return name_; }
  const std::string& release() const override { return kernel_.release; }
  uint32_t possible_cpus() const override { return 1; }  // as QEMU is started

  using Target::ask;
  Status ask(const std::vector<Question>& questions,
             const std::function<void(Answer)>& take) override {
    Places places;
    for (const Question& q : questions) places.try_emplace(q.object);
    auto sessions = machines_with(places);
    if (!sessions) return std::unexpected(sessions.error());
    std::vector<AskRequest> requests;
    for (const Question& q : questions)
      requests.push_back({.path = places[q.object],
                          .object = fs::path(q.object).filename(),
                          .options = q.options});
    return ask_all(*sessions, std::move(requests), take);
  }

  Status run_cases(const std::vector<std::string>& cases,
                   const std::vector<std::string>& object_folders,
                   const std::function<void(CaseObservation)>& take) override {
    auto requests = read_case_requests(cases, object_folders);
    Places places;
    for (const CaseRequest& request : requests)
      if (!request.object.empty()) places.try_emplace(request.object);
    // A case that is for so many CPUs gets a machine that has them.
    std::map<uint32_t, std::vector<CaseRequest>> by_cpus;
    for (const CaseRequest& request : requests) by_cpus[cpus_wanted(request)].push_back(request);
    std::map<std::string, CaseObservation> seen;
    for (auto& [cpus, some] : by_cpus) {
      auto sessions = machines_with(places, cpus);
      if (!sessions) return std::unexpected(sessions.error());
      for (CaseRequest& request : some)
        if (!request.object.empty()) request.there = places[request.object];
      auto done =
          perform_all(*sessions, some, [&](CaseObservation o) { seen[o.name] = std::move(o); });
      if (!done) return done;
    }
    for (const CaseRequest& request : requests) take(seen[request.name]);
    return {};
  }

  Status talk(const std::function<Status(AgentSession&)>& speak) override {
    Places none;
    auto sessions = machines_with(none);
    if (!sessions) return std::unexpected(sessions.error());
    auto session = sessions->session();
    return session ? speak(**session) : Status(std::unexpected(session.error()));
  }

 private:
  using Places = std::map<std::string, std::string>;  // an object's path here, and in the machine

  static uint32_t cpus_wanted(const CaseRequest& request) {
    constexpr uint32_t kMost = 8;
    const auto& content = request.content;
    if (!content.is_object() || !content.contains("cpus") || !content["cpus"].is_number_unsigned())
      return 1;
    return std::clamp(content["cpus"].get<uint32_t>(), 1u, kMost);
  }

  /// Machines whose initramfs holds these objects; tells where.
  Result<VmSessions> machines_with(Places& places, uint32_t cpus = 1) {
    std::string config;
    auto cpio = base_files(kernel_, &config);
    if (!cpio) return std::unexpected(cpio.error());
    size_t number = 0;
    for (auto& [object, place] : places) {
      // Under its own name, since libbpf names maps after the file; in a folder of its own, since
      // two files may have one name.
      std::string folder = "objects/" + std::to_string(number++);
      std::string file = folder + "/" + fs::path(object).filename().string();
      auto bytes = read_file(object);
      if (!bytes) return std::unexpected(bytes.error());
      cpio->folder(folder);
      cpio->file(file, *bytes, false);
      place = "/" + file;
    }
    auto packed = pack(cpio->finish(), packing_for(config));
    if (!packed) return std::unexpected(packed.error());
    auto initramfs = MemoryFile::make("initramfs", *packed);
    if (!initramfs) return std::unexpected(initramfs.error());
    *packed = {};
    Accelerator accelerator =
        choose_accelerator(cache_folder(options_.cache), kernel_.image, *initramfs);
    MachineSize size{.cpus = cpus};
    if (options_.megabytes) size.megabytes = options_.megabytes;
    const KnownKernel* known = known_kernel(kernel_.name);
    size.cmpxchg16b = known && known->wants_cmpxchg16b;
    return Result<VmSessions>(std::in_place, kernel_, std::move(*initramfs), accelerator, size);
  }

  std::string name_;
  StoredKernel kernel_;
  TargetOptions options_;
};

}  // namespace

Result<std::unique_ptr<Target>> open_vm_target(const std::string& kernel,
                                               const TargetOptions& options) {
  auto stored = stored_kernel(options.cache, kernel);
  if (!stored) return unsupported(stored.error().message);
  if (std::string why = no_machines(); !why.empty()) return unsupported(why);
  return std::make_unique<VmTarget>(std::move(*stored), options);
}

}  // namespace drydock::referee
