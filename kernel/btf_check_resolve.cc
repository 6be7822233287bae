// SPDX-License-Identifier: Apache-2.0
// The second pass: what types refer to. A depth-first walk with an explicit stack; a type is on the
// stack while what it refers to is being looked at, and is resolved afterwards.
//
// Which edges the walk follows depends on where it began (Mode): below a pointer, structs and
// arrays are ends, and below a struct or an array, pointers are. So `struct s { struct s *next; }`
// is no loop, and `struct s { struct s inner; }` is.
#include <fmt/format.h>

#include <cerrno>
#include <optional>

#include "kernel/btf_check.h"

namespace drydock::btf_check {
namespace {

constexpr size_t kDepth = 32;

bool is_modifier(const BtfType& t) { return t.is_modifier() || t.kind() == BtfKind::kTypedef; }
bool is_kind(const BtfType* t, BtfKind kind) { return t && t->kind() == kind; }

class Walk {
 public:
  Walk(const Image& image, Log& log)
      : image_(image), log_(log), states_(image.types.size(), State::kNew) {}

  int run() {
    for (uint32_t id = 1; id < image_.types.size(); ++id) {
      const BtfType& t = *image_.type(id);
      if (needs_walk(t) && !resolved(id))
        if (int err = resolve(id)) return err;
      if (t.kind() == BtfKind::kFuncProto)
        if (int err = check_prototype(id, t)) return err;
    }
    return 0;
  }

 private:
  enum class State : uint8_t { kNew, kOnStack, kResolved };
  enum class Mode { kAny, kPointer, kComposite };
  struct Frame {
    uint32_t id;
    const BtfType* type;
    size_t next = 0;  // edges looked at
  };
  /// What looking at a type came to: something to look at first, an errno, or done.
  struct Step {
    uint32_t push = 0;
    int err = 0;
  };

  bool resolved(uint32_t id) const { return states_[id] == State::kResolved; }

  static bool needs_walk(const BtfType& t) {
    switch (t.kind()) {
      case BtfKind::kPtr:
      case BtfKind::kStruct:
      case BtfKind::kUnion:
      case BtfKind::kArray:
      case BtfKind::kVar:
      case BtfKind::kFunc:
      case BtfKind::kDeclTag:
      case BtfKind::kDatasec: return true;
      default: return is_modifier(t);
    }
  }
  bool is_end(const BtfType& t) const {
    bool composite = t.is_struct_or_union() || t.kind() == BtfKind::kArray;
    switch (mode_) {
      case Mode::kAny: return !needs_walk(t);
      case Mode::kPointer: return !is_modifier(t) && t.kind() != BtfKind::kPtr;
      case Mode::kComposite: return !is_modifier(t) && !composite;
    }
    return true;
  }
  bool is_open(uint32_t id) const { return !is_end(*image_.type(id)) && !resolved(id); }

  // Kinds that nothing may refer to, and those without a size.
  static bool only_refers(const BtfType& t) {
    return t.kind() == BtfKind::kVar || t.kind() == BtfKind::kDeclTag ||
           t.kind() == BtfKind::kDatasec;
  }
  static bool sizeless(const BtfType& t) {
    return t.kind() == BtfKind::kVoid || t.kind() == BtfKind::kFwd || t.kind() == BtfKind::kFunc ||
           t.kind() == BtfKind::kFuncProto || t.kind() == BtfKind::kDeclTag;
  }

  struct Sized {
    const BtfType* type;
    uint64_t size;
    uint32_t id;
  };
  uint32_t behind_modifiers(uint32_t id) const {
    const BtfType* t = image_.type(id);
    for (size_t i = 0; t && i < 2 * kDepth && (is_modifier(*t) || t->kind() == BtfKind::kVar); ++i)
      t = image_.type(id = t->type());
    return id;
  }
  std::optional<Sized> sized(uint32_t id, size_t depth = 0) const {
    id = behind_modifiers(id);
    const BtfType* t = image_.type(id);
    if (!t || sizeless(*t) || is_modifier(*t) || depth > kDepth) return std::nullopt;
    if (t->kind() == BtfKind::kPtr) return Sized{t, 8, id};
    if (t->kind() != BtfKind::kArray) return Sized{t, t->size(), id};
    auto element = sized(t->array().type, depth + 1);
    return Sized{t, element ? static_cast<uint32_t>(element->size * t->array().nelems) : 0, id};
  }

  int push(uint32_t id) {
    if (stack_.size() == kDepth) return E2BIG;
    if (id == 0 || states_[id] != State::kNew) return EEXIST;
    states_[id] = State::kOnStack;
    const BtfType* t = image_.type(id);
    stack_.push_back({id, t});
    if (mode_ == Mode::kAny) {
      if (t->kind() == BtfKind::kPtr) mode_ = Mode::kPointer;
      if (t->is_struct_or_union() || t->kind() == BtfKind::kArray) mode_ = Mode::kComposite;
    }
    return 0;
  }

  int resolve(uint32_t root) {
    mode_ = Mode::kAny;
    int err = push(root);
    while (!err && !stack_.empty()) {
      Step step = visit(stack_.back());
      if (step.push) err = push(step.push);
      else if (!(err = step.err)) states_[stack_.back().id] = State::kResolved, stack_.pop_back();
    }
    const BtfType& t = *image_.type(root);
    if (err == E2BIG) log_.type(root, t, fmt::format("Exceeded max resolving depth:{}", kDepth));
    if (err == EEXIST) log_.type(root, t, "Loop detected");
    stack_.clear();
    return err;
  }

  Step visit(Frame& f) {
    switch (f.type->kind()) {
      case BtfKind::kArray: return visit_array(f);
      case BtfKind::kStruct:
      case BtfKind::kUnion: return visit_members(f);
      case BtfKind::kDatasec: return visit_variables(f);
      case BtfKind::kDeclTag: return visit_tag(f);
      case BtfKind::kFunc: return {0, check_function(f.id, *f.type)};
      default: return visit_reference(f);  // pointer, modifier, typedef, variable
    }
  }

  Step refuse(const Frame& f, std::string_view message) {
    log_.type(f.id, *f.type, message);
    return {0, EINVAL};
  }

  Step visit_reference(const Frame& f) {
    uint32_t id = f.type->type();
    const BtfType* next = image_.type(id);
    if (!next || only_refers(*next)) return refuse(f, "Invalid type_id");
    if (is_open(id)) return {id};
    bool through = f.type->kind() == BtfKind::kPtr || f.type->kind() == BtfKind::kVar;
    if (through && is_modifier(*next)) {
      // A chain that was resolved below a struct may have ended at a pointer not yet looked at.
      uint32_t end = id;
      while (is_modifier(*image_.type(end))) end = image_.type(end)->type();
      if (image_.type(end)->kind() == BtfKind::kPtr && is_open(end)) return {end};
    }
    if (sized(id)) return {};
    if (f.type->kind() == BtfKind::kVar) return refuse(f, "Invalid type_id");
    // What a function was resolved to is its prototype.
    uint32_t end_id = behind_modifiers(id);
    const BtfType* end = image_.type(end_id);
    if (is_kind(end, BtfKind::kFunc) && resolved(end_id)) end = image_.type(end->type());
    bool fine = is_kind(end, BtfKind::kVoid) || is_kind(end, BtfKind::kFwd) ||
                is_kind(end, BtfKind::kFuncProto);
    return fine ? Step{} : refuse(f, "Invalid type_id");
  }

  Step visit_array(const Frame& f) {
    const BtfArrayInfo& a = f.type->array();
    auto usable = [this](uint32_t id) {
      const BtfType* t = image_.type(id);
      return t && !sizeless(*t) && !only_refers(*t);
    };
    if (!usable(a.index_type)) return refuse(f, "Invalid index");
    if (is_open(a.index_type)) return {a.index_type};
    auto index = sized(a.index_type);
    if (!index || index->type->kind() != BtfKind::kInt || !is_regular_int(*index->type))
      return refuse(f, "Invalid index");
    if (!usable(a.type)) return refuse(f, "Invalid elem");
    if (is_open(a.type)) return {a.type};
    auto element = sized(a.type);
    if (!element) return refuse(f, "Invalid elem");
    if (element->type->kind() == BtfKind::kInt && !is_regular_int(*element->type))
      return refuse(f, "Invalid array of int");
    if (a.nelems && element->size > UINT32_MAX / a.nelems)
      return refuse(f, "Array size overflows U32_MAX");
    return {};
  }

  Step visit_members(Frame& f) {
    auto members = f.type->members();
    for (; f.next < members.size(); ++f.next) {
      const BtfMember& m = members[f.next];
      const BtfType* t = image_.type(m.type);
      if (!t || sizeless(*t) || only_refers(*t)) return refuse_member(f, m, "Invalid member");
      if (is_open(m.type)) return {m.type};
      if (const char* message = check_member(*f.type, m)) return refuse_member(f, m, message);
    }
    return {};
  }
  Step refuse_member(const Frame& f, const BtfMember& m, std::string_view message) {
    // Rules of what is behind modifiers are reported with the type found there.
    BtfMember shown = m;
    if (const BtfType* t = image_.type(m.type); t && is_modifier(*t))
      if (auto target = sized(m.type)) shown.type = target->id;
    log_.member(f.id, *f.type, shown, message, true);
    return {0, EINVAL};
  }

  // Does a member lie inside its struct? nullptr when it does.
  const char* check_member(const BtfType& parent, const BtfMember& m) const {
    auto target = sized(m.type);
    if (!target) return "Invalid member";
    uint32_t bitfield = parent.member_bitfield_size(m);
    bool is_enum = target->type->is_any_enum(), is_int = target->type->kind() == BtfKind::kInt;
    uint64_t at = parent.member_bit_offset(m), size = parent.size();
    if (is_int) return check_int(*target->type, at, size, parent.kind_flag(), bitfield);
    if (is_enum && parent.kind_flag()) return check_enum(at, size, bitfield);
    if (bitfield) return "Invalid member bitfield_size";
    if (target->type->kind() == BtfKind::kFloat) {
      if (at % (std::min<uint64_t>(8, target->size) * 8)) return "Member is not properly aligned";
      return at / 8 + target->size > size ? "Member exceeds struct_size" : nullptr;
    }
    if (at % 8) return "Member is not byte aligned";
    return size - at / 8 < target->size ? "Member exceeds struct_size" : nullptr;
  }
  static const char* check_int(const BtfType& t, uint64_t at, uint64_t size, bool flagged,
                               uint32_t bitfield) {
    uint64_t bits = t.int_bits();
    if (flagged) {
      if (!is_regular_int(t)) return "Invalid member base type";
      if (!bitfield && at % 8) return "Invalid member offset";
      if (bitfield > bits) return "Invalid member bitfield_size";
      if (bitfield) bits = bitfield;
    } else {
      at += t.int_offset();
      if (at > UINT32_MAX) return "bits_offset exceeds U32_MAX";
    }
    bits += at % 8;
    if (bits > 128) return "nr_copy_bits exceeds 128";
    return size < at / 8 || size - at / 8 < (bits + 7) / 8 ? "Member exceeds struct_size" : nullptr;
  }
  static const char* check_enum(uint64_t at, uint64_t size, uint32_t bitfield) {
    if (!bitfield && at % 8) return "Member is not byte aligned";
    if (bitfield > 32) return "Invalid member bitfield_size";
    return size < (at + (bitfield ? bitfield : 32) + 7) / 8 ? "Member exceeds struct_size"
                                                            : nullptr;
  }

  Step visit_variables(Frame& f) {
    mode_ = Mode::kAny;
    auto variables = f.type->secinfos();
    for (; f.next < variables.size(); ++f.next) {
      const BtfVarSecinfo& v = variables[f.next];
      const BtfType* t = image_.type(v.type);
      auto refuse_here = [&](std::string_view message) {
        log_.variable(f.id, *f.type, v, message, true);
        return Step{0, EINVAL};
      };
      if (!is_kind(t, BtfKind::kVar)) return refuse_here("Not a VAR kind member");
      if (is_open(v.type)) return {v.type};
      auto target = sized(t->type());
      if (!target) return refuse_here("Invalid type");
      if (v.size < target->size) return refuse_here("Invalid size");
    }
    return {};
  }

  Step visit_tag(const Frame& f) {
    uint32_t id = f.type->type();
    const BtfType* t = image_.type(id);
    bool target = t && (t->kind() == BtfKind::kFunc || t->is_struct_or_union() ||
                        t->kind() == BtfKind::kVar || t->kind() == BtfKind::kTypedef);
    if (!target) return refuse(f, "Invalid type_id");
    if (is_open(id)) return {id};
    int component = f.type->decl_tag_component();
    if (component == -1) return {};
    if (t->kind() == BtfKind::kVar || t->kind() == BtfKind::kTypedef)
      return refuse(f, "Invalid component_idx");
    const BtfType* list = t->is_struct_or_union() ? t : image_.type(t->type());
    return static_cast<uint32_t>(component) >= list->vlen() ? refuse(f, "Invalid component_idx")
                                                            : Step{};
  }

  int check_function(uint32_t id, const BtfType& t) {
    const BtfType* prototype = image_.type(t.type());
    if (!is_kind(prototype, BtfKind::kFuncProto))
      return log_.type(id, t, "Invalid type_id"), EINVAL;
    auto params = prototype->params();
    for (size_t i = 0; i < params.size(); ++i)
      if (!params[i].name_off && params[i].type)
        return log_.type(id, t, fmt::format("Invalid arg#{}", i + 1)), EINVAL;
    return 0;
  }

  // A result or an argument: there, no mere declaration, resolved, and with a size.
  bool check_value(uint32_t id, int* err) {
    const BtfType* t = image_.type(id);
    if (!t || only_refers(*t)) return false;
    if (needs_walk(*t) && !resolved(id))
      if ((*err = resolve(id))) return true;
    return sized(id).has_value();
  }

  int check_prototype(uint32_t id, const BtfType& t) {
    int err = 0;
    if (t.type()) {
      if (!check_value(t.type(), &err)) return log_.type(id, t, "Invalid return type"), EINVAL;
      if (err) return err;
    }
    auto params = t.params();
    size_t count = params.size();
    auto refuse_argument = [&](size_t n) {
      return log_.type(id, t, fmt::format("Invalid arg#{}", n)), EINVAL;
    };
    if (count && !params[count - 1].type) {
      if (params[count - 1].name_off) return refuse_argument(count);
      --count;
    }
    for (size_t i = 0; i < count; ++i) {
      const BtfParam& p = params[i];
      const BtfType* type = image_.type(p.type);
      if (!type || only_refers(*type)) return refuse_argument(i + 1);
      if (p.name_off && (!image_.has_name(p.name_off) || !is_identifier(image_.name(p.name_off))))
        return refuse_argument(i + 1);
      if (!check_value(p.type, &err)) return refuse_argument(i + 1);
      if (err) return err;
    }
    return 0;
  }

  const Image& image_;
  Log& log_;
  std::vector<State> states_;
  std::vector<Frame> stack_;
  Mode mode_ = Mode::kAny;
};

}  // namespace

int check_all_references(const Image& image, Log& log) { return Walk(image, log).run(); }

}  // namespace drydock::btf_check
