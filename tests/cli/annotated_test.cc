// SPDX-License-Identifier: Apache-2.0
// `drydock test OBJECT`: annotated programs are its cases.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

namespace {

struct Outcome {
  int status;
  std::string text;
};
Outcome run(const std::string& arguments) {
  std::string command = std::string(DRYDOCK_BINARY_DIR) + "/drydock " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  std::string text;
  while (size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), n);
  int status = pclose(pipe);
  return {WEXITSTATUS(status), text};
}

TEST(AnnotatedObject, ItsProgramsAreCases) {
  Outcome o = run("test " DRYDOCK_BINARY_DIR "/tests/bpf/annotated.bpf.o");
  EXPECT_EQ(o.status, 1);
  for (const char* part : {"OK ] ", ":returns_context@unpriv", "wrong_about_itself (failed",
                           "expected to be rejected, was loaded", "elsewhere (not for x86-64)",
                           "reading the fields of map `numbers` is not supported",
                           "reads_a_map (unsupported", "4 passed, 2 failed, 1 skipped"})
    EXPECT_NE(o.text.find(part), std::string::npos) << part << " in\n" << o.text;
}

TEST(AnnotatedObject, WithoutAnnotationsSaysSo) {
  Outcome o = run("test " DRYDOCK_BINARY_DIR "/corpus/maps.bpf.o");
  EXPECT_NE(o.text.find("no program is annotated"), std::string::npos) << o.text;
}

}  // namespace
