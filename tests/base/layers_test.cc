// SPDX-License-Identifier: Apache-2.0
// A room includes only itself and the rooms above it. The order is read from CMakeLists.txt, the
// includes from the sources.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::vector<std::string> rooms_in_order() {
  std::ifstream file(std::string(DRYDOCK_SOURCE_DIR) + "/CMakeLists.txt");
  std::regex room(R"(^drydock_room\((\w+))");
  std::vector<std::string> rooms;
  std::smatch match;
  for (std::string line; std::getline(file, line);)
    if (std::regex_search(line, match, room)) rooms.push_back(match[1]);
  return rooms;
}

TEST(Layers, RoomsIncludeOnlyWhatStandsAboveThem) {
  const std::vector<std::string> rooms = rooms_in_order();
  ASSERT_GE(rooms.size(), 13u);
  std::regex include(R"re(^#include "([a-z]+)/)re");
  size_t files = 0;
  for (size_t i = 0; i < rooms.size(); ++i) {
    for (const auto& entry :
         fs::recursive_directory_iterator(std::string(DRYDOCK_SOURCE_DIR) + "/" + rooms[i])) {
      auto extension = entry.path().extension();
      if (extension != ".cc" && extension != ".h" && extension != ".def") continue;
      ++files;
      std::ifstream file(entry.path());
      std::smatch match;
      for (std::string line; std::getline(file, line);) {
        if (!std::regex_search(line, match, include)) continue;
        auto used = std::ranges::find(rooms, match[1].str());
        if (used == rooms.end()) continue;
        EXPECT_LE(static_cast<size_t>(used - rooms.begin()), i)
            << entry.path().string() << " of room " << rooms[i] << " includes from " << match[1];
      }
    }
  }
  EXPECT_GT(files, 100u);
}

// The command is made of the library. Three commands speak of other kernels, which is not the
// library's business: `compare` and `test --with` ask the referee, `kernel` makes profiles.
TEST(Layers, TheCommandUsesTheLibraryOnly) {
  std::regex include(R"re(^#include "([a-z]+)/([a-z_]+))re");
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(std::string(DRYDOCK_SOURCE_DIR) + "/cli")) {
    std::string name = entry.path().stem().string();
    if (name == "room_profile" || name == "compare_command" || name == "test_command" ||
        name == "kernel_command")
      continue;
    ++files;
    std::ifstream file(entry.path());
    std::smatch match;
    for (std::string line; std::getline(file, line);) {
      if (!std::regex_search(line, match, include)) continue;
      EXPECT_TRUE(match[1] == "drydock" || (match[1] == "cli" && match[2] != "room_profile"))
          << entry.path().string() << ": " << line;
    }
  }
  EXPECT_GE(files, 8u);
}

}  // namespace
