// SPDX-License-Identifier: Apache-2.0
// The grammar is the opcode table: each form has a pattern, and a line is the first row whose
// pattern it matches. What failed furthest to the right is what the error reports.
//
// Letters of a pattern:
//   D S  registers dst and src, of the class's width; d s  the same, always 64-bit
//   d0   the word "r0"          T  the row's text          W  the text joined with the row's value
//   A    "atomic_" or "atomic64_" joined with the text     U  the name of the access size
//   I    immediate              O  offset behind a base register, sign or "+ N"
//   J    jump distance in off   L  jump distance in imm    C  callee   K  kfunc   X  64-bit
//   immediate anything else stands for itself
#include "isa/assemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <span>
#include <string>

#include "isa/opcodes.h"
#include "isa/tokens.h"

namespace drydock::isa {
namespace {

std::string_view pattern_of(Form form) {
  switch (form) {
    case Form::kAluReg: return "D T S";
    case Form::kAluImm: return "D T I";
    case Form::kMovsx: return "D = ( T ) S";
    case Form::kCast: return "d = T ( s , Y , Z )";
    case Form::kNeg: return "D = - D";
    case Form::kByteOrder: return "d = W d";
    case Form::kLoadReg: return "d = * ( T * ) ( s O )";
    case Form::kStoreReg: return "* ( T * ) ( d O ) = s";
    case Form::kStoreImm: return "* ( T * ) ( d O ) = I";
    case Form::kLockOp: return "lock * ( U * ) ( d O ) T s";
    case Form::kFetchOp: return "s = A ( ( U * ) ( d O ) , s )";
    case Form::kCompareOp: return "r0 = A ( ( U * ) ( d O ) , r0 , s )";
    case Form::kLoadAcquire: return "d = T ( ( U * ) ( s O ) )";
    case Form::kStoreRelease: return "T ( ( U * ) ( d O ) , s )";
    case Form::kPacketAbs: return "r0 = * ( T * ) skb [ I ]";
    case Form::kPacketInd: return "r0 = * ( T * ) skb [ s + I ]";
    case Form::kLoadImm64: return "d = X";
    case Form::kBranchReg: return "if D T S goto J";
    case Form::kBranchImm: return "if D T I goto J";
    case Form::kGoto: return "T J";
    case Form::kGotoLong: return "T L";
    case Form::kCallHelper: return "T C";
    case Form::kCallSubprog: return "T L";
    case Form::kCallKfunc: return "T K";
    case Form::kCallReg: return "T d";
    case Form::kExit: return "T";
  }
  return "";
}

/// A jump to a label that may stand further down.
struct Fixup {
  size_t insn;
  std::string label;
  uint32_t line, column;
  bool in_imm;
};

struct Mismatch {
  uint32_t column = 0;
  std::string expected;
  bool right_kind = false;  // a number where one belongs, but one that does not fit

  bool says_more_than(const Mismatch& other) const {
    return column != other.column ? column > other.column : right_kind && !other.right_kind;
  }
};

/// Matches the tokens of one line against one row.
class Matcher {
 public:
  Matcher(std::span<const Token> tokens, const OpcodeRow& row, const AssemblerNames& names,
          bool opcode_given)
      : tokens_(tokens), row_(row), names_(names), opcode_given_(opcode_given) {
    insn_.code = row.code;
    if (row.select == Select::kOff) insn_.off = static_cast<int16_t>(row.value);
    if (row.select == Select::kImmediate) insn_.imm = row.value;
    if (row.select == Select::kSource) insn_.src = static_cast<uint8_t>(row.value);
  }

  bool run() {
    std::string_view pattern = pattern_of(row_.form);
    while (!pattern.empty()) {
      const size_t space = pattern.find(' ');
      if (!match(pattern.substr(0, space))) return false;
      pattern = space == std::string_view::npos ? "" : pattern.substr(space + 1);
    }
    if (token().kind != Token::Kind::kEnd) return expected("end of line");
    return true;
  }

  const Insn& insn() const { return insn_; }
  int32_t upper() const { return upper_; }
  const Mismatch& mismatch() const { return mismatch_; }
  const std::string& label() const { return label_; }
  uint32_t label_column() const { return label_column_; }

 private:
  const Token& token() const { return tokens_[at_]; }

  bool expected(std::string what, bool right_kind = false) {
    mismatch_ = {token().column, std::move(what), right_kind};
    return false;
  }

  bool literal(std::string_view text) {
    if (token().text != text) return expected(fmt::format("'{}'", text));
    ++at_;
    return true;
  }

  bool match(std::string_view piece) {
    const uint8_t cls = insn_class(row_.code);
    const char width = cls == kAlu || cls == kJmp32 ? 'w' : 'r';
    if (piece.size() > 1) return literal(piece);
    switch (piece[0]) {
      case 'D': return dst(width);
      case 'd': return dst('r');
      case 'S': return src(width);
      case 's': return src('r');
      case 'T': return literal(trimmed_text());
      case 'W': return literal(fmt::format("{}{}", row_.text, row_.value));
      case 'A':
        return literal(fmt::format("atomic{}_{}", size_in_bytes(row_.code) == 8 ? "64" : "",
                                   row_.text));
      case 'U': return literal(fmt::format("u{}", 8 * size_in_bytes(row_.code)));
      case 'I': return immediate();
      case 'O': return offset();
      case 'J': return jump(false);
      case 'L': return jump(true);
      case 'C': return helper();
      case 'K': return kfunc();
      case 'X': return imm64();
      case 'Y': return space_number(16);
      case 'Z': return space_number(0);
      default: return literal(piece);
    }
  }

  std::string_view trimmed_text() const {
    return row_.form == Form::kMovsx ? row_.text.substr(1, row_.text.size() - 2) : row_.text;
  }

  bool reg(char letter, unsigned* number) {
    const std::string_view text = token().text;
    const bool digits = (text.size() == 2 && text[1] >= '0' && text[1] <= '9') ||
                        (text.size() == 3 && text.substr(1) == "10");
    if (token().kind != Token::Kind::kWord || text[0] != letter || !digits) {
      return expected(fmt::format("register {}0 to {}10", letter, letter));
    }
    *number = text.size() == 3 ? 10 : static_cast<unsigned>(text[1] - '0');
    ++at_;
    return true;
  }

  // A register that a pattern names twice (r1 = -r1) must be the same one.
  bool dst(char letter) {
    unsigned number;
    if (!reg(letter, &number)) return false;
    if (dst_known_ && insn_.dst != number) {
      --at_;
      return expected(fmt::format("{}{} again", letter, +insn_.dst));
    }
    insn_.dst = number & 15;
    return dst_known_ = true;
  }
  bool src(char letter) {
    unsigned number;
    if (!reg(letter, &number)) return false;
    if (src_known_ && insn_.src != number) {
      --at_;
      return expected(fmt::format("{}{} again", letter, +insn_.src));
    }
    insn_.src = number & 15;
    return src_known_ = true;
  }

  /// A number within [-low, high].
  bool number(uint64_t low, uint64_t high, int64_t* value) {
    const Token& t = token();
    if (t.kind != Token::Kind::kNumber) return expected("number");
    if (t.magnitude > (t.negative ? low : high)) {
      return expected("number that fits", true);
    }
    *value = static_cast<int64_t>(t.negative ? 0 - t.magnitude : t.magnitude);
    ++at_;
    return true;
  }

  bool immediate() {
    int64_t value;
    if (!number(uint64_t{1} << 31, UINT32_MAX, &value)) return false;
    insn_.imm = static_cast<int32_t>(value);
    return true;
  }

  bool space_number(unsigned shift) {
    int64_t value;
    if (!number(0, UINT16_MAX, &value)) return false;
    insn_.imm = static_cast<int32_t>(static_cast<uint32_t>(insn_.imm) | static_cast<uint32_t>(value)
                                                                            << shift);
    return true;
  }

  bool offset() {
    bool minus = false;
    if (token().text == "+" || token().text == "-") {
      minus = token().text == "-";
      ++at_;
    } else if (token().text == ")") {
      return true;  // "(r1)" is "(r1 +0)"
    }
    int64_t value;
    if (!number(32768, 32768, &value)) return false;
    if (minus) value = -value;
    if (value > INT16_MAX || value < INT16_MIN) {
      --at_;
      return expected("offset that fits in 16 bits");
    }
    insn_.off = static_cast<int16_t>(value);
    return true;
  }

  bool jump(bool in_imm) {
    if (token().text == "pc") {
      ++at_;
    } else if (token().kind == Token::Kind::kWord) {
      label_ = token().text;
      label_column_ = token().column;
      ++at_;
      return true;
    }
    int64_t value;
    if (in_imm) {
      if (!number(uint64_t{1} << 31, INT32_MAX, &value)) return false;
      insn_.imm = static_cast<int32_t>(value);
    } else {
      if (!number(32768, 32767, &value)) return false;
      insn_.off = static_cast<int16_t>(value);
    }
    return true;
  }

  bool helper() {
    const std::string_view name = token().text;
    if (token().kind != Token::Kind::kWord || name == "kernel-function" || name == "pc") {
      return expected("helper");
    }
    ++at_;
    if (token().text == "#") {
      ++at_;
      return immediate();
    }
    if (auto id = names_.helper(name)) {
      insn_.imm = *id;
      return true;
    }
    --at_;
    return expected("known helper, or a label");
  }

  bool kfunc() {
    if (!literal("kernel-function") || !literal("#") || !immediate()) return false;
    if (token().text != ":") return true;
    ++at_;
    int64_t index;
    if (!number(32768, 32767, &index)) return false;
    insn_.off = static_cast<int16_t>(index);
    return true;
  }

  bool imm64() {
    if (row_.value != 0 && !literal(row_.text)) return false;
    if (row_.value == kPseudoFunc && token().kind == Token::Kind::kWord) {
      label_ = token().text;
      label_column_ = token().column;
      ++at_;
      return literal("ll");
    }
    const Token first = token();
    int64_t value;
    if (!number(uint64_t{1} << 63, UINT64_MAX, &value)) return false;
    insn_.imm = static_cast<int32_t>(value);
    if (row_.value == 0) {
      upper_ = static_cast<int32_t>(value >> 32);
    } else if (token().kind == Token::Kind::kNumber) {  // "map_value 5+8"
      int64_t second;
      if (!number(uint64_t{1} << 31, UINT32_MAX, &second)) return false;
      upper_ = static_cast<int32_t>(second);
    }
    const bool fits = first.magnitude <= (first.negative ? uint64_t{1} << 31 : UINT32_MAX);
    if (token().text == "ll") {
      ++at_;
      return true;
    }
    return (opcode_given_ || !fits) || expected("'ll'");
  }

  std::span<const Token> tokens_;
  const OpcodeRow& row_;
  const AssemblerNames& names_;
  bool opcode_given_;
  size_t at_ = 0;
  Insn insn_;
  int32_t upper_ = 0;
  bool dst_known_ = false, src_known_ = false;
  Mismatch mismatch_;
  std::string label_;
  uint32_t label_column_ = 0;
};

class Assembler {
 public:
  explicit Assembler(const AssemblerNames& names) : names_(names) {}

  Status line(std::string_view text) {
    ++line_;
    int code = -1;
    const std::vector<Token> all = tokenize(text, skip_prefix(text, &code));
    if (all.back().kind == Token::Kind::kBad) {
      return error(all.back().column, fmt::format("'{}' is not understood", all.back().text));
    }
    std::span<const Token> tokens = all;
    if (Status labels = take_labels(tokens); !labels) return labels;
    if (tokens[0].kind == Token::Kind::kEnd) return {};
    return instruction(tokens, code);
  }

  Result<std::vector<Insn>> finish() {
    for (const Fixup& fixup : fixups_) {
      auto found = labels_.find(fixup.label);
      if (found == labels_.end()) {
        return malformed(fmt::format("line {}, column {}: no label '{}'", fixup.line, fixup.column,
                                     fixup.label));
      }
      const int64_t distance =
          static_cast<int64_t>(found->second) - static_cast<int64_t>(fixup.insn) - 1;
      if (!fixup.in_imm && (distance > INT16_MAX || distance < INT16_MIN)) {
        return malformed(
            fmt::format("line {}, column {}: label '{}' is too far away for a 16-bit "
                        "offset",
                        fixup.line, fixup.column, fixup.label));
      }
      Insn& insn = insns_[fixup.insn];
      if (fixup.in_imm) insn.imm = static_cast<int32_t>(distance);
      else insn.off = static_cast<int16_t>(distance);
    }
    return std::move(insns_);
  }

 private:
  Status error(uint32_t column, std::string what) const {
    return malformed(fmt::format("line {}, column {}: {}", line_, column, what));
  }

  /// Length of "12: " and "(b7) " in front, as logs print them; sets the opcode byte.
  static size_t skip_prefix(std::string_view text, int* code) {
    auto skip = [&](size_t at, std::string_view set) {
      return std::min(text.find_first_not_of(set, at), text.size());
    };
    size_t at = skip(0, " \t");
    const size_t digits = skip(at, "0123456789");
    if (digits > at && digits < text.size() && text[digits] == ':') at = skip(digits + 1, " \t");
    const std::string_view rest = text.substr(at);
    if (rest.size() < 4 || rest[0] != '(' || rest[3] != ')') return at;
    auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + 3, *code, 16);
    if (error == std::errc() && end == rest.data() + 3) return at + 4;
    *code = -1;
    return at;
  }

  /// "name:" defines a label.
  Status take_labels(std::span<const Token>& tokens) {
    while (tokens.size() > 2 && tokens[0].kind == Token::Kind::kWord && tokens[1].text == ":") {
      if (!labels_.emplace(tokens[0].text, insns_.size()).second) {
        return error(tokens[0].column, fmt::format("label '{}' again", tokens[0].text));
      }
      tokens = tokens.subspan(2);
    }
    return {};
  }

  Status instruction(std::span<const Token> tokens, int code) {
    Mismatch furthest;
    for (const OpcodeRow& row : opcode_rows()) {
      if (code >= 0 && row.code != code) continue;
      Matcher matcher(tokens, row, names_, code >= 0);
      if (matcher.run()) {
        emit(row, matcher);
        return {};
      }
      if (matcher.mismatch().says_more_than(furthest)) furthest = matcher.mismatch();
    }
    if (furthest.column == 0) {
      return error(tokens[0].column, fmt::format("({:02x}) is no opcode", code));
    }
    return error(furthest.column, furthest.expected + " expected");
  }

  void emit(const OpcodeRow& row, const Matcher& matcher) {
    if (!matcher.label().empty()) {
      const bool in_imm = row.is_branch_in_imm() || row.form == Form::kLoadImm64;
      fixups_.push_back({insns_.size(), matcher.label(), line_, matcher.label_column(), in_imm});
    }
    insns_.push_back(matcher.insn());
    if (row.form == Form::kLoadImm64) insns_.push_back({.imm = matcher.upper()});
  }

  const AssemblerNames& names_;
  std::vector<Insn> insns_;
  std::map<std::string, size_t, std::less<>> labels_;
  std::vector<Fixup> fixups_;
  uint32_t line_ = 0;
};

}  // namespace

std::optional<int32_t> AssemblerNames::helper(std::string_view) const { return std::nullopt; }

Result<std::vector<Insn>> assemble(std::string_view text, const AssemblerNames& names) {
  Assembler assembler(names);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (Status done = assembler.line(text.substr(0, end)); !done) {
      return std::unexpected(std::move(done.error()));
    }
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return assembler.finish();
}

}  // namespace drydock::isa
