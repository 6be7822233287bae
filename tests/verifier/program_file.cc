// SPDX-License-Identifier: Apache-2.0
#include "tests/verifier/program_file.h"

#include <fmt/core.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <regex>
#include <sstream>

#include "isa/assemble.h"

namespace drydock::verifier {
namespace {

constexpr std::string_view kProgramMark = "--- program\n";
constexpr std::string_view kAnswerMark = "--- kernel ";

/// "answer: 6.12.95 accepted 8", "answer: 7.2.12 rejected 13 8 R2 min value is ...": errno,
/// instructions, final line.
bool parse_other_answer(ProgramFile& file, std::istringstream& words) {
  ProgramFile::OtherAnswer answer;
  std::string verdict;
  words >> answer.kernel >> verdict;
  if (verdict == "rejected") words >> answer.err;
  else if (verdict != "accepted") return false;
  if (!(words >> answer.insns_processed)) return false;
  std::getline(words >> std::ws, answer.message);
  file.other_answers.push_back(std::move(answer));
  return true;
}

bool parse_header_line(ProgramFile& file, const std::string& line, std::string* error) {
  constexpr std::string_view kAnswer = "answer: ";
  if (line.starts_with(kAnswer)) {  // its message may hold what is a comment elsewhere
    std::istringstream words(line.substr(kAnswer.size()));
    if (parse_other_answer(file, words)) return true;
    *error = "no answer: " + line;
    return false;
  }
  std::istringstream words(line.substr(0, line.find(';')));
  std::string key;
  if (!(words >> key)) return true;
  if (key == "type:") {
    std::string name;
    words >> name;
    auto type = program_type_named(name);
    if (type) file.type = *type;
    else *error = "no program type " + name;
    return type.has_value();
  }
  if (key == "flags:") return static_cast<bool>(words >> file.flags);
  if (key == "map:") {
    std::string name;
    ProgramFile::Map map;
    words >> name >> map.key_size >> map.value_size >> map.max_entries;
    auto type = map_type_named(name);
    if (type) map.type = *type;
    file.maps.push_back(map);
    return type.has_value() && !words.fail();
  }
  *error = "unknown line: " + line;
  return false;
}

std::optional<ProgramFile::Answer> parse_answer(std::string_view text) {
  ProgramFile::Answer answer;
  size_t eol = text.find('\n');
  std::istringstream head{std::string(text.substr(kAnswerMark.size(), eol - kAnswerMark.size()))};
  std::string verdict;
  head >> answer.kernel >> verdict;
  if (!answer.kernel.empty() && answer.kernel.back() == ':') answer.kernel.pop_back();
  if (verdict == "rejected") head >> answer.err;
  else if (verdict != "accepted") return std::nullopt;
  answer.log = text.substr(eol + 1);
  return answer;
}

long bpf(int command, bpf_attr& attr) { return syscall(SYS_bpf, command, &attr, sizeof(attr)); }

int create_map(const ProgramFile::Map& map) {
  bpf_attr attr{};
  attr.map_type = static_cast<uint32_t>(map.type);
  attr.key_size = map.key_size;
  attr.value_size = map.value_size;
  attr.max_entries = map.max_entries;
  return static_cast<int>(bpf(BPF_MAP_CREATE, attr));
}

}  // namespace

std::optional<ProgramFile> ProgramFile::parse(std::string_view text, std::string* error) {
  ProgramFile file;
  size_t program = text.find(kProgramMark), answer = text.find(kAnswerMark);
  if (program == text.npos) {
    *error = "no program";
    return std::nullopt;
  }
  file.source = text.substr(0, answer);
  std::istringstream header{std::string(text.substr(0, program))};
  for (std::string line; std::getline(header, line);)
    if (!parse_header_line(file, line, error)) return std::nullopt;
  size_t begin = program + kProgramMark.size();
  auto insns = isa::assemble(text.substr(begin, answer == text.npos ? answer : answer - begin));
  if (!insns) {
    *error = insns.error().message;
    return std::nullopt;
  }
  file.insns = std::move(*insns);
  if (answer != text.npos) file.answer = parse_answer(text.substr(answer));
  return file;
}

std::string render(const ProgramFile& file) {
  if (!file.answer) return file.source;
  const ProgramFile::Answer& a = *file.answer;
  std::string verdict = a.err ? fmt::format("rejected {}", a.err) : "accepted";
  return file.source + fmt::format("{}{}: {}\n{}", kAnswerMark, a.kernel, verdict, a.log);
}

std::string without_addresses(std::string_view log) {
  static const std::regex kAddress("0xff[0-9a-f]{14}");
  return std::regex_replace(std::string(log), kAddress, "ADDRESS");
}

std::optional<ProgramFile::Answer> ask_host(const ProgramFile& file) {
  std::vector<int> fds;
  for (const ProgramFile::Map& map : file.maps) fds.push_back(create_map(map));
  std::vector<isa::Insn> insns = file.insns;
  for (size_t i = 0; i < insns.size(); ++i) {
    if (!isa::is_ld_imm64(insns[i])) continue;
    bool of_map = insns[i].src == isa::kPseudoMapFd || insns[i].src == isa::kPseudoMapValue;
    if (of_map && static_cast<size_t>(insns[i].imm) < fds.size()) insns[i].imm = fds[insns[i].imm];
    ++i;
  }
  std::vector<char> log(16u << 20);
  bpf_attr attr{};
  attr.prog_type = static_cast<uint32_t>(file.type);
  attr.prog_flags = file.flags;
  attr.insns = reinterpret_cast<uintptr_t>(insns.data());
  attr.insn_cnt = static_cast<uint32_t>(insns.size());
  attr.license = reinterpret_cast<uintptr_t>("GPL");
  attr.log_level = 2;
  attr.log_buf = reinterpret_cast<uintptr_t>(log.data());
  attr.log_size = static_cast<uint32_t>(log.size());
  long fd = bpf(BPF_PROG_LOAD, attr);
  int err = fd < 0 ? errno : 0;
  if (fd >= 0) close(static_cast<int>(fd));
  for (int map : fds)
    if (map >= 0) close(map);
  if (err == EPERM || err == ENOSYS || err == ENOSPC) return std::nullopt;
  utsname uts;
  uname(&uts);
  std::string release = uts.release;
  return ProgramFile::Answer{release.substr(0, release.find_first_of("-+")), err,
                             without_addresses(log.data())};
}

}  // namespace drydock::verifier
