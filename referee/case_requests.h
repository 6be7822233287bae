// SPDX-License-Identifier: Apache-2.0
// Cases for the agent: read and matched with their objects here, performed there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "referee/agent_session.h"

namespace drydock::referee {

struct CaseRequest {
  std::string name;    // the case's path
  std::string object;  // where its object stands, here
  std::string there;   // and where the agent finds it
  Json content;
  std::string skipped;  // why it cannot be asked
};

std::vector<CaseRequest> read_case_requests(const std::vector<std::string>& cases,
                                            const std::vector<std::string>& object_folders);

/// Performs each; one that takes the kernel down is told of, and the next goes to a new session.
Status perform_all(SessionSource& source, const std::vector<CaseRequest>& requests,
                   const std::function<void(CaseObservation)>& take);

}  // namespace drydock::referee
