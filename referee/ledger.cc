// SPDX-License-Identifier: Apache-2.0
#include "referee/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace drydock::referee {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kKinds[] = {"environment", "kernel", "later"};

std::optional<Aspect> aspect_named(std::string_view name) {
  for (size_t i = 0; i < kAspects; ++i)
    if (name_of(static_cast<Aspect>(i)) == name) return static_cast<Aspect>(i);
  return std::nullopt;
}

// Reads the members of one JSON object and says which are missing, of the wrong kind or unknown.
class Members {
 public:
  Members(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) error_ = where_ + ": not an object";
  }

  std::string text(const char* name) {
    const Json* member = take(name);
    if (member && !member->is_string()) fail(name, "must be text");
    return member && member->is_string() ? member->get<std::string>() : "";
  }
  std::vector<std::string> texts(const char* name) {
    std::vector<std::string> list;
    const Json* member = take(name);
    if (member && !member->is_array()) fail(name, "must be a list of texts");
    if (!member || !member->is_array()) return list;
    for (const Json& item : *member) {
      if (item.is_string()) list.push_back(item.get<std::string>());
      else fail(name, "must be a list of texts");
    }
    return list;
  }
  size_t count(std::string_view name) {
    const Json* member = take(std::string(name).c_str());
    if (member && !member->is_number_unsigned()) fail(name, "must be a number");
    return member && member->is_number_unsigned() ? member->get<size_t>() : 0;
  }
  void fail(std::string_view name, std::string_view what) {
    if (error_.empty()) error_ = fmt::format("{}.{}: {}", where_, name, what);
  }
  std::string finish() {
    if (error_.empty())
      for (const auto& [name, value] : object_.items())
        if (std::ranges::find(taken_, name) == taken_.end()) fail(name, "is not known");
    return error_;
  }

 private:
  const Json* take(const char* name) {
    if (!object_.is_object()) return nullptr;
    taken_.push_back(name);
    auto found = object_.find(name);
    if (found == object_.end()) fail(name, "is missing");
    return found == object_.end() ? nullptr : &*found;
  }
  const Json& object_;
  std::string where_, error_;
  std::vector<std::string> taken_;
};

std::string read_entry(const Json& json, const std::string& where, LedgerEntry* entry) {
  Members m(json, where);
  entry->suite = m.text("suite");
  entry->object = m.text("object");
  entry->program = m.text("program");
  entry->kernels = m.texts("kernels");
  entry->kind = m.text("kind");
  entry->reason = m.text("reason");
  if (std::ranges::find(kKinds, entry->kind) == std::end(kKinds))
    m.fail("kind", "must be environment, kernel or later");
  if (entry->reason.empty()) m.fail("reason", "is empty");
  for (const std::string& name : m.texts("aspects")) {
    if (auto aspect = aspect_named(name)) entry->aspects.push_back(*aspect);
    else m.fail("aspects", "`" + name + "` is none (verdict, errno, message, insns, states)");
  }
  std::ranges::sort(entry->aspects);
  return m.finish();
}

std::string read_floor(const Json& json, const std::string& where, LedgerFloor* floor) {
  Members m(json, where);
  floor->suite = m.text("suite");
  floor->kernel = m.text("kernel");
  for (size_t i = 0; i < kAspects; ++i) floor->same[i] = m.count(name_of(static_cast<Aspect>(i)));
  return m.finish();
}

template <class Row, class Read>
Status read_rows(const Json& doc, const char* name, const std::string& what, std::vector<Row>* rows,
                 Read read) {
  auto list = doc.find(name);
  if (list == doc.end()) return {};
  if (!list->is_array()) return malformed(what + ": " + name + ": must be a list");
  for (size_t i = 0; i < list->size(); ++i) {
    std::string error =
        read((*list)[i], fmt::format("{}: {}[{}]", what, name, i), &rows->emplace_back());
    if (!error.empty()) return malformed(error);
  }
  return {};
}

std::string aspects_text(const std::vector<Aspect>& aspects) {
  std::string text;
  for (Aspect a : aspects) text += (text.empty() ? "" : ", ") + std::string(name_of(a));
  return text.empty() ? "nothing" : text;
}

}  // namespace

Result<Ledger> Ledger::parse(std::string_view text, const std::string& what) {
  Json doc = Json::parse(text, nullptr, false);
  if (doc.is_discarded() || !doc.is_object()) return malformed(what + ": not a JSON object");
  if (doc.value("schema", 0) != 1) return malformed(what + ": schema: must be 1");
  Ledger ledger;
  if (Status s = read_rows(doc, "differences", what, &ledger.entries_, read_entry); !s)
    return std::unexpected(s.error());
  if (Status s = read_rows(doc, "floors", what, &ledger.floors_, read_floor); !s)
    return std::unexpected(s.error());
  return ledger;
}

Result<Ledger> Ledger::read(const std::string& path) {
  auto text = read_text_file(path);
  if (!text) return std::unexpected(text.error());
  return parse(*text, path);
}

const LedgerEntry* Ledger::find(const std::string& suite, const std::string& kernel,
                                const Pair& pair) const {
  for (const LedgerEntry& e : entries_)
    if (e.suite == suite && e.object == pair.ours.object && e.program == pair.ours.program &&
        std::ranges::find(e.kernels, kernel) != e.kernels.end())
      return &e;
  return nullptr;
}

const LedgerFloor* Ledger::floor(const std::string& suite, const std::string& kernel) const {
  for (const LedgerFloor& f : floors_)
    if (f.suite == suite && f.kernel == kernel) return &f;
  return nullptr;
}

std::vector<std::string> Ledger::judge(const std::string& suite, const std::string& kernel,
                                       const std::vector<Pair>& pairs, bool whole) const {
  std::vector<std::string> wrong;
  if (const LedgerFloor* low = floor(suite, kernel)) {
    if (!whole) return wrong;
    Summary s = summarise(pairs);
    for (size_t i = 0; i < kAspects; ++i) {
      size_t same = s.aspects[i].same;
      std::string_view aspect = name_of(static_cast<Aspect>(i));
      if (same < low->same[i])
        wrong.push_back(fmt::format("{} on {}: same {} fell to {}, the floor is {}", suite, kernel,
                                    aspect, same, low->same[i]));
      else if (same > low->same[i])
        wrong.push_back(
            fmt::format("{} on {}: same {} rose to {}: raise the floor of {} in the ledger", suite,
                        kernel, aspect, same, low->same[i]));
    }
    return wrong;
  }
  for (const Pair& p : pairs) {
    if (!p.compared()) continue;
    const LedgerEntry* entry = find(suite, kernel, p);
    std::vector<Aspect> known = entry ? entry->aspects : std::vector<Aspect>{};
    if (p.differs == known) continue;
    std::string name = fmt::format("{}:{} on {}", p.ours.object, p.ours.program, kernel);
    if (entry)
      wrong.push_back(fmt::format("{}: differs in {}, the ledger says {}", name,
                                  aspects_text(p.differs), aspects_text(known)));
    else
      wrong.push_back(fmt::format("{}: differs in {}, not in the ledger", name,
                                  aspects_text(p.differs)));
  }
  return wrong;
}

}  // namespace drydock::referee
