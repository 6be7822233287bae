// SPDX-License-Identifier: Apache-2.0
// A profile as one file: `drydock kernel import` writes it, --kernel reads it, and the one that is
// embedded in the binary is the same bytes.
//
// Format, little-endian: 8 bytes "DRYDOCKP", u32 version, u32 number of sections; then a section
// after the other, each a header (4 characters of tag, u32 zero, u64 length, u64 length
// compressed) and one zstd frame with its checksum. Tags: META (lines "key=value"), CONF, SYMB,
// PROB, "BTF ", IDS, MODB (name, NUL, BTF; once a module). An unknown tag is skipped; a version
// that is not known is an error.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "kernel/profile_builder.h"

namespace drydock {

std::vector<std::byte> encode_profile(const ProfileParts& parts);
/// `what` names the file in messages.
Result<ProfileParts> decode_profile(std::span<const std::byte> file, const std::string& what);

}  // namespace drydock
