// SPDX-License-Identifier: Apache-2.0
// A BPF object that was opened for one kernel: its programs, each ready to be asked about.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drydock/program.h"
#include "drydock/result.h"

namespace drydock::api {

/// Cheap to copy. Running its programs takes a Session (session.h).
class Object {
 public:
  const std::string& file() const;
  /// In the order of the object; also those that do not load automatically.
  const std::vector<Program>& programs() const;
  /// kNotFound names the nearest one.
  Result<Program> program(std::string_view name) const;
  /// What libbpf had to say on opening it.
  const std::vector<std::string>& messages() const;

  struct Impl;
  explicit Object(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<const Impl>& shared_impl() const { return impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace drydock::api
