// SPDX-License-Identifier: Apache-2.0
// The maps that a program file asks for, as descriptors 0, 1, ...
#pragma once

#include <cerrno>
#include <memory>
#include <vector>

#include "tests/verifier/program_file.h"
#include "verifier/verify.h"

namespace drydock::verifier {

class TestMaps : public FdTable {
 public:
  explicit TestMaps(const ProgramFile& file) {
    for (const ProgramFile::Map& asked : file.maps) {
      auto map = std::make_shared<MapInfo>();
      map->id = static_cast<uint32_t>(maps_.size()) + 1;
      map->type = asked.type;
      map->key_size = asked.key_size;
      map->value_size = asked.value_size;
      map->max_entries = asked.max_entries;
      maps_.push_back(std::move(map));
    }
  }
  std::shared_ptr<const MapInfo> map(int fd, int* err) override {
    if (fd >= 0 && static_cast<size_t>(fd) < maps_.size()) return maps_[fd];
    *err = EBADF;
    return nullptr;
  }
  std::shared_ptr<const Btf> btf(int, int* err) override {
    *err = EBADF;
    return nullptr;
  }

 private:
  std::vector<std::shared_ptr<MapInfo>> maps_;
};

}  // namespace drydock::verifier
