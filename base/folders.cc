// SPDX-License-Identifier: Apache-2.0
#include "base/folders.h"

#include <unistd.h>

#include <filesystem>

namespace drydock {

void remove_folders(const std::string& folder) {
  std::error_code ended;  // the loops of the language throw when a folder goes away under them
  std::filesystem::directory_iterator at(folder, ended), end;
  while (!ended && at != end) {
    std::error_code unknown;
    std::string inside = at->path();
    bool is_folder = at->is_directory(unknown) && !at->is_symlink(unknown);
    at.increment(ended);
    if (is_folder) remove_folders(inside);
  }
  rmdir(folder.c_str());
}

}  // namespace drydock
