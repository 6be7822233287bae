// SPDX-License-Identifier: Apache-2.0
#include "emulator/cases/case_programs.h"

namespace drydock::cases {

std::set<std::string> programs_to_run(const Json& json) {
  // Steps that run a program by itself or attach it need it loaded.
  std::set<std::string> names;
  if (auto list = json.find("programs"); list != json.end() && list->is_array())
    for (const Json& name : *list)
      if (name.is_string()) names.insert(name.get<std::string>());
  if (auto steps = json.find("steps"); steps != json.end() && steps->is_array())
    for (const Json& step : *steps)
      for (const char* kind : {"attach", "run", "iterate"})
        if (step.is_object() && step.contains(kind) && step[kind].is_object() &&
            step[kind].contains("program") && step[kind]["program"].is_string())
          names.insert(step[kind]["program"].get<std::string>());
  return names;
}

}  // namespace drydock::cases
