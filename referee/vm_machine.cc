// SPDX-License-Identifier: Apache-2.0
#include "referee/vm_machine.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/process.h"
#include "verifier/log_lines.h"

namespace drydock::referee {
namespace {

constexpr const char* kQemu = "qemu-system-x86_64";
// Emulation boots in about 5 s on an idle machine; a busy one takes its time.
constexpr int kTcgBootMs = 120'000, kKvmBootMs = 30'000, kPowerOffMs = 5'000;
// panic=-1 restarts at once, and with -no-reboot that is the end of QEMU. Only the BPF LSM, as
// others would need policies.
constexpr const char* kCommandLine = "console=ttyS0 panic=-1 oops=panic quiet lsm=bpf";

std::vector<std::string> qemu_arguments(const std::string& image, const MemoryFile& initramfs,
                                        const MemoryFile& console, Accelerator accelerator,
                                        MachineSize size) {
  std::vector<std::string> arguments = {kQemu,
                                        "-nodefaults",
                                        "-no-user-config",
                                        "-display",
                                        "none",
                                        "-no-reboot",
                                        "-m",
                                        std::to_string(size.megabytes),
                                        "-smp",
                                        std::to_string(size.cpus),
                                        "-kernel",
                                        image,
                                        "-initrd",
                                        initramfs.path(),
                                        "-append",
                                        kCommandLine,
                                        "-chardev",
                                        "file,id=console,path=" + console.path(),
                                        "-chardev",
                                        "stdio,id=agent,signal=off",
                                        "-serial",
                                        "chardev:console",
                                        "-serial",
                                        "chardev:agent"};
  std::vector<std::string> machine =
      accelerator == Accelerator::kKvm
          ? std::vector<std::string>{"-accel", "kvm", "-cpu", "host"}
          : std::vector<std::string>{"-accel", "tcg", "-cpu",
                                     size.cmpxchg16b ? "max" : "max,-cx16"};
  arguments.insert(arguments.end(), machine.begin(), machine.end());
  return arguments;
}

/// What a remembered trial holds for: this host kernel.
std::string trial_key() {
  utsname names{};
  uname(&names);
  return names.release;
}

}  // namespace

Result<MemoryFile> MemoryFile::make(const char* name, std::span<const std::byte> contents) {
  MemoryFile file(memfd_create(name, MFD_CLOEXEC));
  while (file.fd_ >= 0 && !contents.empty()) {
    ssize_t n = write(file.fd_, contents.data(), contents.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    contents = contents.subspan(static_cast<size_t>(n));
  }
  if (file.fd_ < 0 || !contents.empty())
    return std::unexpected(Error{ErrorKind::kUnsupported,
                                 std::string(name) + ": " + std::strerror(errno), errno});
  return file;
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
MemoryFile& MemoryFile::operator=(MemoryFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
MemoryFile::~MemoryFile() {
  if (fd_ >= 0) close(fd_);
}

std::string MemoryFile::text() const {
  std::string text;
  char buffer[16384];
  for (ssize_t n; (n = pread(fd_, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  return text;
}

std::string fatal_line(std::string_view console) {
  // The most telling first: after an oops or the lack of memory comes a panic that only says so.
  static constexpr std::string_view kFatal[] = {
      "Out of memory", "BUG: ", "Oops: ", "general protection fault", "Kernel panic"};
  for (std::string_view fatal : kFatal)
    for (std::string_view line : verifier::log_lines(console)) {
      size_t at = line.find(fatal);
      if (at == line.npos) continue;
      line.remove_prefix(at);
      return std::string(line.substr(0, line.find_last_not_of("\r ") + 1));
    }
  return {};
}

Result<VmMachine> VmMachine::boot(const std::string& image, const MemoryFile& initramfs,
                                  Accelerator accelerator, MachineSize size) {
  auto console = MemoryFile::make("console", {});
  if (!console) return std::unexpected(console.error());
  auto process =
      Process::start({.arguments = qemu_arguments(image, initramfs, *console, accelerator, size),
                      .inherited = {initramfs.fd(), console->fd()}});
  if (!process) return std::unexpected(process.error());
  auto session = AgentSession::open(std::move(*process),
                                    accelerator == Accelerator::kKvm ? kKvmBootMs : kTcgBootMs);
  if (!session) {
    std::string why = fatal_line(console->text());
    return unsupported("the virtual machine does not boot: " +
                       (why.empty() ? session.error().message : why));
  }
  return VmMachine(std::move(*session), std::move(*console));
}

std::string VmMachine::last_words() const { return fatal_line(console_.text()); }

void VmMachine::shut_down() {
  session_.quit();
  session_.process().wait(kPowerOffMs);
}

std::string no_machines() {
  if (!find_in_path(kQemu)) return std::string(kQemu) + " is not installed";
  return "";
}

Accelerator choose_accelerator(const std::string& cache, const std::string& image,
                               const MemoryFile& initramfs) {
  if (access("/dev/kvm", R_OK | W_OK) != 0) return Accelerator::kTcg;
  std::string record = cache + "/kvm-trial", key = trial_key();
  if (auto known = read_text_file(record)) {
    if (*known == key + " works\n") return Accelerator::kKvm;
    if (*known == key + " fails\n") return Accelerator::kTcg;
  }
  auto machine = VmMachine::boot(image, initramfs, Accelerator::kKvm, {});
  if (machine) machine->shut_down();
  std::error_code ignored;
  std::filesystem::create_directories(cache, ignored);
  auto kept = write_file(record, as_byte_span(key + (machine ? " works\n" : " fails\n")));
  (void)kept;  // not kept: tried again the next time
  return machine ? Accelerator::kKvm : Accelerator::kTcg;
}

}  // namespace drydock::referee
