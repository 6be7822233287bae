// SPDX-License-Identifier: Apache-2.0
// Test programs in text files, each with what a real kernel answered:
// tests/verifier/programs/*.txt.
//
//     ; what the program is about
//     type: socket_filter
//     flags: 8                         ; prog_flags, optional
//     map: array 4 8 1                 ; type, key, value, entries; map_fd 0, 1, ... in the program
//     answer: 7.2.12 rejected 22 after 5: R1 is not ...   ; what another kernel says of it,
//     optional
//     --- program
//     r0 = 0
//     exit
//     --- kernel 6.18.44: accepted     ; or "rejected 22", the errno
//     func#0 @0
//     ...                              ; the kernel's log at level 2
//
// Of a kernel other than the one whose log is kept, an answer is the verdict, the instructions that
// were processed and the final line of a rejection.
//
// The logs are written by DRYDOCK_BLESS=1 (as root, on the kernel the tests are meant for), and by
// nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "isa/insn.h"
#include "kernel/uapi.h"

namespace drydock::verifier {

struct ProgramFile {
  struct Map {
    MapType type{};
    uint32_t key_size = 0, value_size = 0, max_entries = 0;
  };
  struct Answer {
    std::string kernel;  // release
    int err = 0;         // 0: accepted
    std::string log;     // level 2
  };

  struct OtherAnswer {
    std::string kernel;
    int err = 0;
    uint64_t insns_processed = 0;
    std::string message;  // of a rejection
  };

  std::string source;  // the file up to the answer
  ProgramType type{};
  uint32_t flags = 0;
  std::vector<Map> maps;
  std::vector<OtherAnswer> other_answers;
  std::vector<isa::Insn> insns;
  std::optional<Answer> answer;

  /// nullopt with *error where the text is not well formed.
  static std::optional<ProgramFile> parse(std::string_view text, std::string* error);
};

std::string render(const ProgramFile& file);

/// Addresses of kernel objects differ from boot to boot; both sides print them as one word.
std::string without_addresses(std::string_view log);

/// What the running kernel says of the program; nullopt where it cannot be asked.
std::optional<ProgramFile::Answer> ask_host(const ProgramFile& file);

}  // namespace drydock::verifier
