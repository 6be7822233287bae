// SPDX-License-Identifier: Apache-2.0
#include "verifier/log.h"

#include <algorithm>

namespace drydock::verifier {

void Log::write(std::string_view text) {
  high_water_ = std::max(high_water_, std::min<uint64_t>(end_ + text.size() + 1, UINT32_MAX));
  end_ += text.size();
  if (fixed()) {
    text_ += text.substr(0, room() - std::min<uint64_t>(room(), text_.size()));
    return;
  }
  text_ += text;
  if (end_ - start_ > room()) start_ = end_ - room();
  trim();
}

// Rotating moves the start of the window with each message; dropping the text before it is done
// rarely, so that a long log costs a constant time a character.
void Log::trim() {
  const uint64_t dropped = start_ - base_;
  if (dropped < (uint64_t{1} << 16) || dropped < text_.size() / 2) return;
  text_.erase(0, dropped);
  base_ = start_;
}

void Log::reset(uint64_t position) {
  if (position > end_ || !enabled()) return;
  end_ = position;
  if (fixed()) {
    if (text_.size() > position) text_.resize(position);
    return;
  }
  if (end_ < start_) {  // nothing of the window is left
    start_ = base_ = end_;
    text_.clear();
    return;
  }
  text_.resize(end_ - base_);
}

std::string_view Log::text() const {
  return std::string_view(text_).substr(fixed() ? 0 : start_ - base_);
}

}  // namespace drydock::verifier
