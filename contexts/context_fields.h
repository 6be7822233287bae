// SPDX-License-Identifier: Apache-2.0
// The bytes of one context, read and written by the names of its rows: what arranges a run, and
// what a helper changes, speak of "data_end" and not of offset 80. A name without a row reads as 0
// and is written nowhere.
#pragma once

#include <cstring>
#include <span>
#include <string_view>

#include "contexts/context_rows.h"

namespace drydock {

class ContextFields {
 public:
  ContextFields() = default;
  ContextFields(std::string_view struct_name, std::span<std::byte> bytes)
      : rows_(context_struct_named(struct_name)), bytes_(bytes) {}

  uint64_t get(std::string_view name) const {
    uint64_t value = 0;
    if (const ContextField* f = find(name)) std::memcpy(&value, &bytes_[f->offset], f->size);
    return value;
  }
  void set(std::string_view name, uint64_t value) {
    if (const ContextField* f = find(name)) std::memcpy(&bytes_[f->offset], &value, f->size);
  }
  std::span<std::byte> bytes_of(std::string_view name, size_t size) {
    const ContextField* f = find(name);
    return f ? bytes_.subspan(f->offset, size) : std::span<std::byte>();
  }

 private:
  const ContextField* find(std::string_view name) const {
    if (!rows_) return nullptr;
    for (const ContextField& f : rows_->fields)
      if (f.name == name && f.offset + f.size <= bytes_.size()) return &f;
    return nullptr;
  }
  const ContextStruct* rows_ = nullptr;
  std::span<std::byte> bytes_;
};

}  // namespace drydock
