// SPDX-License-Identifier: Apache-2.0
// Folders that several processes remove at the same time.
#pragma once

#include <string>

namespace drydock {

/// Removes a folder and those inside it, the inmost first; files stay, and so do the folders that
/// hold them. Another process may be removing the same meanwhile.
void remove_folders(const std::string& folder);

}  // namespace drydock
