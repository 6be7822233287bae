// SPDX-License-Identifier: Apache-2.0
// What a kernel has, and for which programs: the rows that verification itself uses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drydock/profile.h"
#include "drydock/result.h"

namespace drydock::api {

struct ListFilter {
  std::string program_type = {};  // "": every one
  std::string attach_type = {};   // goes with a program type
};

struct ListedHelper {
  uint32_t id = 0;
  std::string name, prototype, flags, since;
  bool emulated = false;
  std::vector<std::string> program_types;
};
struct ListedKfunc {
  std::string name;
  std::vector<std::string> flags, sets;
  std::string since;
  bool emulated = false;
};
struct ListedMap {
  std::string type, since;
  bool per_cpu = false;
  std::string capability;  // "", "bpf" or "net_admin"
  bool emulated = false;
};
struct ListedField {
  std::string name;
  uint32_t offset = 0, size = 0;
  std::string read, write;  // widths in bytes: "1, 2, 4"; "" for never
  bool network_order = false;
  std::string yields;  // "" for a number
};
struct ListedContext {
  std::string context;
  uint32_t size = 0;
  std::string program_type, attach_type, attach_to;
  std::vector<ListedField> fields;
};
struct ListedProgram {
  std::string program_type, context;
  std::vector<std::string> attach_types, sections;
  bool sleepable = false;
  std::string returns;
};
struct ListedFeature {
  std::string feature;
  bool present = false;
  std::string since, until, config, what;
};

// kUsage: a type that does not exist.
Result<std::vector<ListedHelper>> list_helpers(const Profile& profile,
                                               const ListFilter& filter = {});
Result<std::vector<ListedKfunc>> list_kfuncs(const Profile& profile, const ListFilter& filter = {});
Result<std::vector<ListedMap>> list_maps(const Profile& profile, const ListFilter& filter = {});
Result<std::vector<ListedContext>> list_contexts(const Profile& profile,
                                                 const ListFilter& filter = {});
Result<std::vector<ListedProgram>> list_programs(const Profile& profile,
                                                 const ListFilter& filter = {});
Result<std::vector<ListedFeature>> list_features(const Profile& profile,
                                                 const ListFilter& filter = {});

}  // namespace drydock::api
