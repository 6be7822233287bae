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
  ASSERT_GE(rooms.size(), 12u);
  std::regex include(R"re(^#include "([a-z]+)/)re");
  size_t files = 0;
  for (size_t i = 0; i < rooms.size(); ++i) {
    for (const auto& entry : fs::recursive_directory_iterator(std::string(DRYDOCK_SOURCE_DIR) + "/" + rooms[i])) {
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

}  // namespace
