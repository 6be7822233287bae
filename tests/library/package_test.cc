// SPDX-License-Identifier: Apache-2.0
// The library as others get it: installed below the build tree, found with find_package(Drydock) by
// a project of its own (tests/package), compiled, linked and run there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/shell.h"

namespace {

namespace fs = std::filesystem;
const std::string kSource = DRYDOCK_SOURCE_DIR, kBuild = DRYDOCK_BINARY_DIR;

using drydock::test::Finished;

Finished run(const std::string& command) { return drydock::test::run_in_shell(command); }

/// Installs the library below the build tree; the folder.
std::string installed_below(const std::string& name) {
  std::string prefix = kBuild + "/tests/package/" + name;
  fs::remove_all(prefix);
  Finished installed =
      run(DRYDOCK_CMAKE " --install " + kBuild + " --component library --prefix " + prefix);
  EXPECT_EQ(installed.status, 0) << installed.output;
  return prefix;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Package, AProjectOfItsOwnFindsLinksAndRunsIt) {
  std::string prefix = installed_below("prefix"), project = kBuild + "/tests/package/build";

  std::string flags = *DRYDOCK_SANITIZE ? " -DCMAKE_CXX_FLAGS=-fsanitize=" DRYDOCK_SANITIZE : "";
  Finished configured =
      run(DRYDOCK_CMAKE " -G Ninja -S " + kSource + "/tests/package -B " + project +
          " -DCMAKE_PREFIX_PATH=" + prefix + " -DBPF_OBJECTS=" + kBuild + "/corpus" +
          " -DCMAKE_CXX_COMPILER=" DRYDOCK_CXX " -DCMAKE_CXX_COMPILER_LAUNCHER=" DRYDOCK_LAUNCHER +
          flags);
  ASSERT_EQ(configured.status, 0) << configured.output;
  Finished built = run(DRYDOCK_CMAKE " --build " + project);
  ASSERT_EQ(built.status, 0) << built.output;
  Finished ran = run(project + "/service_connect_test");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("[  PASSED  ] 2 tests."), std::string::npos) << ran.output;
}

TEST(Package, ReadmeShowsWhatIsCompiledHere) {
  std::string sample = text_of(kSource + "/tests/package/service_connect_test.cc");
  const std::string begin = "// README begins\n", end = "// README ends\n";
  size_t from = sample.find(begin), to = sample.find(end);
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  from += begin.size();
  EXPECT_NE(
      text_of(kSource + "/README.md").find("```cpp\n" + sample.substr(from, to - from) + "```\n"),
      std::string::npos)
      << "README.md has another sample than tests/package/service_connect_test.cc";
}

// What a header of another library would drag into everybody's build.
TEST(Package, HeadersNameNobodyElsesTypes) {
  size_t headers = 0;
  for (const auto& entry :
       fs::directory_iterator(installed_below("headers") + "/include/drydock")) {
    ++headers;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (!line.starts_with("#include")) continue;
      bool own = line.starts_with("#include \"drydock/");
      bool standard = line.starts_with("#include <") && line.find('/') == std::string::npos &&
                      line.find(".h>") == std::string::npos;
      EXPECT_TRUE(own || standard) << entry.path().string() << ": " << line;
    }
  }
  EXPECT_GT(headers, 10u);
}

}  // namespace
