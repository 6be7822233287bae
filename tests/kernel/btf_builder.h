// SPDX-License-Identifier: Apache-2.0
// Writes BTF byte by byte for tests: whatever they ask for, well formed or not.
#pragma once

#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "kernel/btf.h"
#include "kernel/btf_format.h"

namespace drydock {

class BtfBuilder {
 public:
  struct Member {
    std::string name;
    uint32_t type;
    uint32_t bit_offset;
  };

  BtfBuilder() : strings_(1, '\0') {}
  /// A split BTF on `base`.
  explicit BtfBuilder(const Btf& base) : next_(base.type_count()) {
    BtfHeader header;
    std::memcpy(&header, base.bytes().data(), sizeof header);
    string_base_ = header.str_len;
  }

  uint32_t name(const std::string& text) {
    if (text.empty()) return 0;
    auto at = static_cast<uint32_t>(strings_.size()) + string_base_;
    strings_ += text + '\0';
    return at;
  }
  uint32_t add(const std::string& text, BtfKind kind, uint32_t vlen, uint32_t size_or_type,
               std::initializer_list<uint32_t> more = {}, bool kind_flag = false) {
    words({name(text), static_cast<uint32_t>(kind) << 24 | vlen | uint32_t{kind_flag} << 31,
           size_or_type});
    words(more);
    return next_++;
  }
  uint32_t integer(const std::string& text, uint32_t size, uint32_t encoding) {
    return add(text, BtfKind::kInt, 0, size, {encoding << 24 | size * 8});
  }
  uint32_t array(uint32_t type, uint32_t index, uint32_t count) {
    return add("", BtfKind::kArray, 0, 0, {type, index, count});
  }
  uint32_t decl_tag(const std::string& text, uint32_t type, int component) {
    return add(text, BtfKind::kDeclTag, 0, type, {static_cast<uint32_t>(component)});
  }
  uint32_t structure(const std::string& text, uint32_t size, const std::vector<Member>& members) {
    uint32_t id = add(text, BtfKind::kStruct, static_cast<uint32_t>(members.size()), size);
    for (const Member& m : members) words({name(m.name), m.type, m.bit_offset});
    return id;
  }
  uint32_t func_proto(uint32_t result, const std::vector<Member>& params) {
    uint32_t id = add("", BtfKind::kFuncProto, static_cast<uint32_t>(params.size()), result);
    for (const Member& p : params) words({name(p.name), p.type});
    return id;
  }
  void words(std::initializer_list<uint32_t> values) { types_.insert(types_.end(), values); }

  BtfHeader header() const {
    auto type_len = static_cast<uint32_t>(types_.size() * 4);
    return {kBtfMagic, 1,        0,        sizeof(BtfHeader),
            0,         type_len, type_len, static_cast<uint32_t>(strings_.size())};
  }
  std::vector<std::byte> bytes() const { return bytes_with(header()); }
  std::vector<std::byte> bytes_with(const BtfHeader& head) const {
    std::vector<std::byte> out(sizeof head + types_.size() * 4 + strings_.size());
    std::byte* at = out.data();
    auto put = [&at](const void* data, size_t size) {
      if (size) std::memcpy(at, data, size);
      at += size;
    };
    put(&head, sizeof head);
    put(types_.data(), types_.size() * 4);
    put(strings_.data(), strings_.size());
    return out;
  }

 private:
  uint32_t next_ = 1;
  uint32_t string_base_ = 0;
  std::string strings_;
  std::vector<uint32_t> types_;
};

}  // namespace drydock
