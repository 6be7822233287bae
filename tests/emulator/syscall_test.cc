// SPDX-License-Identifier: Apache-2.0
// bpf(2) against the kernel underneath: the same attributes to both, the same answers from both.
// Where there is no kernel to ask (not root), the emulated half still runs, for crashes and hangs.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "tests/emulator/bpf_kernel.h"
#include "tests/emulator/bpf_session.h"
#include "tests/kernel/btf_builder.h"

namespace drydock {
namespace {

void compare(const std::function<void(Session&)>& scenario) {
  auto emulated = trusting_kernel();
  Session ours(*emulated);
  scenario(ours);
  if (!HostKernel::answers())
    GTEST_SKIP() << "skipped: no kernel to compare with (bpf(2) needs root)";
  HostKernel host;
  Session theirs(host);
  scenario(theirs);
  ASSERT_EQ(ours.lines().size(), theirs.lines().size());
  for (size_t i = 0; i < ours.lines().size(); ++i)
    EXPECT_EQ(ours.lines()[i], theirs.lines()[i]) << "call " << i << " (ours, then the kernel's)";
}

uint64_t at(const void* p) { return reinterpret_cast<uint64_t>(p); }
using enum BpfCommand;

attr::MapCreate map_spec(MapType type, uint32_t key, uint32_t value, uint32_t entries,
                         uint32_t flags = 0) {
  return {.map_type = static_cast<uint32_t>(type),
          .key_size = key,
          .value_size = value,
          .max_entries = entries,
          .map_flags = flags};
}

int make_map(Session& s, MapType type, uint32_t key, uint32_t value, uint32_t entries,
             uint32_t flags = 0) {
  auto a = map_spec(type, key, value, entries, flags);
  return static_cast<int>(s.call("make a map", kMapCreate, a));
}

const isa::Insn kReturnZero[] = {{.code = 0xb7}, {.code = 0x95}};

attr::ProgLoad program(ProgramType type = ProgramType::kSocketFilter, uint32_t attach = 0) {
  return {.prog_type = static_cast<uint32_t>(type),
          .insn_cnt = 2,
          .insns = at(kReturnZero),
          .license = at("GPL"),
          .expected_attach_type = attach};
}

TEST(Attributes, LongerAndShorterThanKnown) {
  compare([](Session& s) {
    std::vector<std::byte> big(8192);
    auto a = map_spec(MapType::kArray, 4, 8, 3);
    std::memcpy(big.data(), &a, sizeof a);
    for (uint32_t size : {0u, 4u, 16u, 20u, 72u, 144u, 168u, 169u, 200u, 512u, 4096u, 4097u, 8192u})
      s.raw(("size " + std::to_string(size)).c_str(), kMapCreate, big.data(), size, true);
    big[300] = std::byte{1};
    s.raw("zero tail", kMapCreate, big.data(), 300, true);
    s.raw("tail that is not zero", kMapCreate, big.data(), 301, true);
    s.raw("bad address", kMapCreate, nullptr, 64, true);
    s.raw("bad address beyond", kMapCreate, reinterpret_cast<void*>(8), 4000, true);
  });
}

bool asks_for_the_next(uint32_t command) {
  for (BpfCommand c : {kProgGetNextId, kMapGetNextId, kBtfGetNextId, kLinkGetNextId})
    if (command == static_cast<uint32_t>(c)) return true;
  return false;
}

// CHECK_ATTR: a byte behind the last field that a command knows is EINVAL, before anything else.
TEST(Attributes, NothingBehindTheLastField) {
  compare([](Session& s) {
    for (uint32_t command = 0; command < 40; ++command) {
      if (command == static_cast<uint32_t>(kTaskFdQuery) || command == 36 || command == 37)
        continue;
      for (size_t byte = 0; byte < 168; byte += 4) {
        uint8_t bytes[168] = {};
        bytes[byte] = 0x7f;
        // An id behind which there is none, whatever else uses that kernel at the time.
        if (asks_for_the_next(command)) std::memcpy(bytes, "\xf0\xff\xff\x7f", 4);
        // Every one of these is refused; with what, tells which fields the command knows.
        s.raw(("command " + std::to_string(command) + " byte " + std::to_string(byte)).c_str(),
              static_cast<BpfCommand>(command), bytes, sizeof bytes, true);
      }
    }
  });
}

TEST(MapCreate, LimitsOfEachType) {
  compare([](Session& s) {
    for (uint32_t type = 0; type < 36; ++type)
      for (uint32_t key : {0u, 1u, 4u, 8u, 16u, 512u, 65536u})
        for (uint32_t value : {0u, 1u, 4u, 8u, 16u, 4096u})
          for (uint32_t entries : {0u, 1u, 3u, 4096u}) {
            if (type == 16 && entries > 3) continue;  // the two kernels have other NR_CPUS
            if (type == 33 && entries > 3) continue;  // an arena of pages that are really taken
            auto a = map_spec(static_cast<MapType>(type), key, value, entries);
            std::string what = "type " + std::to_string(type) + " key " + std::to_string(key) +
                               " value " + std::to_string(value) + " entries " +
                               std::to_string(entries);
            int64_t fd = s.call(what.c_str(), kMapCreate, a);
            if (fd >= 0) s.forget(static_cast<int>(fd));
          }
  });
}

TEST(MapCreate, FlagsOfEachType) {
  compare([](Session& s) {
    for (uint32_t type = 1; type < 36; ++type)
      for (uint32_t bit = 0; bit < 21; ++bit) {
        // Each type with sizes that it takes, so that the flags decide.
        auto t = static_cast<MapType>(type);
        // With a token's flag two errors hold for types whose checks are all part of the
        // allocation.
        if (bit == 16 && (type == 19 || type == 21 || type == 33)) continue;
        bool keyless = t == MapType::kQueue || t == MapType::kStack || t == MapType::kBloomFilter;
        bool ring = t == MapType::kRingbuf || t == MapType::kUserRingbuf || t == MapType::kArena;
        auto a = map_spec(t,
                          keyless || ring                                          ? 0
                          : t == MapType::kLpmTrie || t == MapType::kCgroupStorage ? 8
                                                                                   : 4,
                          ring                        ? 0
                          : t == MapType::kStackTrace ? 8
                                                      : 4,
                          ring && t != MapType::kArena ? 4096 : 1, 1u << bit);
        if (t == MapType::kLpmTrie) a.map_flags |= kMapNoPrealloc;
        std::string what = "type " + std::to_string(type) + " flag " + std::to_string(bit);
        int64_t fd = s.call(what.c_str(), kMapCreate, a);
        if (fd >= 0) s.forget(static_cast<int>(fd));
      }
  });
}

// As 5.10.223, 6.1.192 and 6.12.95 answer (selftests' maps: corpus/answers).
TEST(MapCreate, OlderKernelsRefuseMore) {
  struct Row {
    const char* kernel;
    MapType type;
    uint32_t key, value;
    int err;
  };
  constexpr uint32_t kFourMb = 4u << 20;
  const Row rows[] = {
      {"5.10", MapType::kHash, 512, 4, 0},
      {"5.10", MapType::kHash, 513, 4, E2BIG},
      {"6.1", MapType::kHash, 513, 4, 0},
      {"5.10", MapType::kArray, 4, kFourMb, 0},
      {"5.10", MapType::kArray, 4, kFourMb + 8, E2BIG},
      {"6.1", MapType::kArray, 4, kFourMb + 8, 0},
  };
  for (const Row& row : rows) {
    auto kernel = trusting_kernel(Profile::load(row.kernel).value());
    Session session(*kernel);
    auto a = map_spec(row.type, row.key, row.value, 1);
    const int64_t fd = session.call("make a map", kMapCreate, a);
    EXPECT_EQ(fd < 0 ? -fd : 0, row.err)
        << row.kernel << " key " << row.key << " value " << row.value;
    if (fd >= 0) session.forget(static_cast<int>(fd));
  }
}

TEST(MapCreate, NamesAndOtherFields) {
  compare([](Session& s) {
    for (const char* name :
         {"good_name.1", "with space", "dash-", "0123456789abcde", "0123456789abcdef", "\xff"}) {
      auto a = map_spec(MapType::kHash, 4, 4, 1);
      std::memcpy(a.map_name, name, std::min<size_t>(std::strlen(name), 16));
      s.call(name, kMapCreate, a);
    }
    auto a = map_spec(MapType::kHash, 4, 4, 1);
    a.map_extra = 1;
    s.call("map_extra", kMapCreate, a);
    a.map_extra = 0;
    a.btf_key_type_id = 1;
    s.call("a key type without a value type", kMapCreate, a);
    a.btf_value_type_id = 1;
    a.btf_fd = 9999;
    s.call("types of a bad descriptor", kMapCreate, a);
    a.btf_key_type_id = a.btf_value_type_id = 0;
    a.btf_fd = 0;
    a.excl_prog_hash_size = 4;
    s.call("the size of a hash without a hash", kMapCreate, a);
    a = map_spec(MapType::kArrayOfMaps, 4, 4, 1);
    a.inner_map_fd = 9999;
    s.call("a bad inner map", kMapCreate, a);
    a.inner_map_fd = make_map(s, MapType::kArray, 4, 4, 1);
    int64_t outer = s.call("a good inner map", kMapCreate, a);
    a.inner_map_fd = static_cast<int>(outer);
    s.call("two levels", kMapCreate, a);
    a.inner_map_fd = make_map(s, MapType::kProgArray, 4, 4, 1);
    s.call("a program array inside", kMapCreate, a);
  });
}

TEST(Elements, HashAndArray) {
  for (MapType type :
       {MapType::kHash, MapType::kArray, MapType::kLruHash, MapType::kPercpuArray, MapType::kQueue})
    compare([type](Session& s) {
      bool keyless = type == MapType::kQueue;
      int fd = make_map(s, type, keyless ? 0 : 4, 8, 3);
      uint32_t key = 1, next = 0;
      uint64_t value[64] = {42};
      attr::MapElement a{.map_fd = fd, .key = keyless ? 0 : at(&key), .value = at(value)};
      s.call("look up", kMapLookupElem, a);
      for (uint64_t flags : {0, 1, 2, 3, 4, 5, 8, 256}) {
        a.flags = flags;
        s.call("update", kMapUpdateElem, a);
      }
      a.flags = 0;
      value[0] = 0;
      s.call("look up again", kMapLookupElem, a);
      s.note("value", value[0]);
      a.flags = 4;
      s.call("look up with a lock", kMapLookupElem, a);
      a.flags = 0;
      a.value = at(&next);
      s.call("next key", kMapGetNextKey, a);
      s.note("next", keyless ? 0 : next);
      a.value = at(value);
      a.flags = 0;
      s.call("look up and delete", kMapLookupAndDeleteElem, a);
      attr::MapElement d{.map_fd = fd, .key = keyless ? 0 : at(&key)};
      s.call("delete", kMapDeleteElem, d);
      s.call("delete again", kMapDeleteElem, d);
      a.key = 8;
      s.call("bad key address", kMapLookupElem, a);
      a.key = keyless ? 0 : at(&key);
      a.value = 8;
      s.call("bad value address", kMapUpdateElem, a);
      key = 77;
      a.value = at(value);
      s.call("key out of range", kMapUpdateElem, a);
    });
}

TEST(Elements, BadDescriptorsAndFrozenMaps) {
  compare([](Session& s) {
    uint32_t key = 0;
    uint64_t value = 1;
    int null = open("/dev/null", O_RDWR);
    for (int fd : {-1, 9999, null}) {
      attr::MapElement a{.map_fd = fd, .key = at(&key), .value = at(&value)};
      s.call("look up", kMapLookupElem, a);
      attr::MapElement f{.map_fd = fd};
      s.call("freeze", kMapFreeze, f);
    }
    close(null);
    int fd = make_map(s, MapType::kArray, 4, 8, 1);
    attr::MapElement a{.map_fd = fd, .key = at(&key), .value = at(&value)}, f{.map_fd = fd};
    s.call("freeze", kMapFreeze, f);
    s.call("freeze again", kMapFreeze, f);
    s.call("update when frozen", kMapUpdateElem, a);
    s.call("look up when frozen", kMapLookupElem, a);
    int reader = make_map(s, MapType::kArray, 4, 8, 1, kMapRdonly);
    a.map_fd = f.map_fd = reader;
    s.call("update by a reader", kMapUpdateElem, a);
    s.call("look up by a reader", kMapLookupElem, a);
    s.call("freeze by a reader", kMapFreeze, f);
    int writer = make_map(s, MapType::kArray, 4, 8, 1, kMapWronly);
    a.map_fd = writer;
    s.call("update by a writer", kMapUpdateElem, a);
    s.call("look up by a writer", kMapLookupElem, a);
  });
}

TEST(Elements, MapsOfMaps) {
  compare([](Session& s) {
    int inner = make_map(s, MapType::kArray, 4, 8, 2), odd = make_map(s, MapType::kArray, 4, 8, 3);
    for (MapType type : {MapType::kArrayOfMaps, MapType::kHashOfMaps}) {
      auto spec = map_spec(type, 4, 4, 2);
      spec.inner_map_fd = inner;
      int outer = static_cast<int>(s.call("outer", kMapCreate, spec));
      uint32_t key = 0, value = 0;
      attr::MapElement a{.map_fd = outer, .key = at(&key), .value = at(&value)};
      s.call("look up nothing", kMapLookupElem, a);
      for (int fd : {inner, odd, 9999, outer}) {
        value = static_cast<uint32_t>(fd);
        s.call("put", kMapUpdateElem, a);
      }
      value = 0;
      s.call("look up", kMapLookupElem, a);
      s.note("is an id", value != 0);
      attr::MapElement d{.map_fd = outer, .key = at(&key)};
      s.call("delete", kMapDeleteElem, d);
      s.call("look up deleted", kMapLookupElem, a);
    }
  });
}

TEST(Batches, HashAndArray) {
  for (MapType type : {MapType::kHash, MapType::kArray, MapType::kQueue})
    compare([type](Session& s) {
      int fd = make_map(s, type, type == MapType::kQueue ? 0 : 4, 8, 4);
      uint32_t keys[8] = {0, 1, 2, 3}, token = 0;
      uint64_t values[8] = {10, 11, 12, 13};
      attr::MapBatch a{.keys = at(keys), .values = at(values), .count = 4, .map_fd = fd};
      s.call("update", kMapUpdateBatch, a);
      s.note("count", a.count);
      a.out_batch = at(&token);
      // A hash gives whole buckets, of which the seed decides what is in them: no parts of it.
      if (type == MapType::kArray) {
        a.count = 2;
        s.call("look up two", kMapLookupBatch, a);
        s.note("count", a.count);
        a.in_batch = at(&token);
      }
      a.count = 8;
      s.call("look up the rest", kMapLookupBatch, a);
      s.note("count", a.count);
      a.in_batch = 0;
      a.count = 0;
      s.call("none", kMapLookupBatch, a);
      a.count = 8;
      s.call("look up and delete", kMapLookupAndDeleteBatch, a);
      s.note("count", a.count);
      a.elem_flags = 4;
      s.call("with a lock", kMapUpdateBatch, a);
      a.elem_flags = 0;
      a.flags = 1;
      s.call("with flags", kMapUpdateBatch, a);
      attr::MapBatch d{.keys = at(keys), .count = 2, .map_fd = fd};
      s.call("delete", kMapDeleteBatch, d);
      s.note("count", d.count);
    });
}

TEST(ProgLoad, AttributesOneByOne) {
  compare([](Session& s) {
    auto p = program();
    s.call("plain", kProgLoad, p);
    auto with = [&](const char* what, auto change) {
      auto q = program();
      change(q);
      s.call(what, kProgLoad, q);
    };
    for (uint32_t bit = 0; bit < 20; ++bit)
      if (bit != 4 && bit != 5 && bit != 6)
        with(("flag " + std::to_string(bit)).c_str(), [bit](auto& q) { q.prog_flags = 1u << bit; });
    with("no instructions", [](auto& q) { q.insn_cnt = 0; });
    with("too many instructions", [](auto& q) { q.insn_cnt = 1000001; });
    with("bad instructions", [](auto& q) { q.insns = 8; });
    with("bad licence", [](auto& q) { q.license = 8; });
    with("bad name", [](auto& q) { q.prog_name[0] = '%'; });
    with("name without end", [](auto& q) { std::memset(q.prog_name, 'a', 16); });
    with("type 0", [](auto& q) { q.prog_type = 0; });
    with("type 99", [](auto& q) { q.prog_type = 99; });
    with("log without buffer", [](auto& q) { q.log_level = 1, q.log_size = 100; });
    with("log level without buffer", [](auto& q) { q.log_level = 1; });
    with("log level 16", [](auto& q) { q.log_level = 16; });
    static char log[4096];
    with("buffer without level", [](auto& q) { q.log_buf = at(log), q.log_size = sizeof log; });
    with("buffer too large",
         [](auto& q) { q.log_buf = at(log), q.log_size = 0x80000000u, q.log_level = 1; });
    with("bad BTF",
         [](auto& q) { q.prog_btf_fd = 9999, q.func_info_cnt = 1, q.func_info_rec_size = 8; });
    with("attach BTF id of a filter", [](auto& q) { q.attach_btf_id = 1; });
    with("attach descriptor", [](auto& q) { q.attach_fd = 9999; });
    with("attach BTF id too large",
         [](auto& q) { q.prog_type = 26, q.attach_btf_id = 0x7fffffff; });
    with("core relocations", [](auto& q) { q.core_relo_rec_size = 16; });
  });
}

TEST(ProgLoad, ExpectedAttachTypes) {
  compare([](Session& s) {
    // Types whose load needs no target and no sleeping; those with a trampoline cannot be compared
    // here.
    for (uint32_t type :
         {1u, 3u, 4u, 6u, 8u, 9u, 13u, 14u, 15u, 16u, 18u, 21u, 22u, 23u, 25u, 30u, 32u})
      for (uint32_t attach = 0; attach < 60; ++attach) {
        auto q = program(static_cast<ProgramType>(type), attach);
        static const isa::Insn kOne[] = {{.code = 0xb7, .imm = 1}, {.code = 0x95}};
        q.insns = at(kOne);
        int64_t fd =
            s.call(("type " + std::to_string(type) + " attach " + std::to_string(attach)).c_str(),
                   kProgLoad, q);
        if (fd >= 0) s.forget(static_cast<int>(fd));
      }
  });
}

TEST(Btf, LoadAndInfo) {
  compare([](Session& s) {
    BtfBuilder b;
    b.integer("int", 4, 1);
    auto bytes = b.bytes();
    attr::BtfLoad a{.btf = at(bytes.data()), .btf_size = static_cast<uint32_t>(bytes.size())};
    int fd = static_cast<int>(s.call("load", kBtfLoad, a));
    struct {
      uint64_t btf;
      uint32_t size, id;
      uint64_t name;
      uint32_t name_len, kernel;
    } info{};
    std::vector<std::byte> copy(bytes.size());
    info.btf = at(copy.data());
    info.size = static_cast<uint32_t>(copy.size());
    attr::InfoByFd i{.bpf_fd = fd, .info_len = sizeof info, .info = at(&info)};
    s.call("info", kObjGetInfoByFd, i);
    s.note("size", info.size);
    s.note("kernel", info.kernel);
    s.note("equal", copy == bytes);
    for (uint32_t size = 0; size < bytes.size(); size += 3) {
      a.btf_size = size;
      s.call("cut", kBtfLoad, a);
    }
    a.btf_size = 17u << 20;
    s.call("too large", kBtfLoad, a);
    a.btf_size = static_cast<uint32_t>(bytes.size());
    a.btf = 8;
    s.call("bad address", kBtfLoad, a);
    a.btf = at(bytes.data());
    a.flags = 1;
    s.call("flags", kBtfLoad, a);
    a.flags = 0;
    a.log_level = 1;
    s.call("log level without buffer", kBtfLoad, a);
  });
}

// The log of BPF_BTF_LOAD, to the byte, for whatever one changed word does to a BTF of every kind.
BtfBuilder every_kind() {
  BtfBuilder b;
  uint32_t i = b.integer("int", 4, 1), c = b.integer("char", 1, 2);
  uint32_t pair = b.structure("pair", 12, {{"first", i, 0}, {"second", c, 32}, {"", i, 64}});
  uint32_t array = b.array(c, i, 5);
  uint32_t pointer = b.add("", BtfKind::kPtr, 0, pair);
  uint32_t constant = b.add("", BtfKind::kConst, 0, pointer);
  uint32_t alias = b.add("alias", BtfKind::kTypedef, 0, constant);
  b.structure("outer", 32, {{"p", alias, 0}, {"in", pair, 64}, {"text", array, 160}});
  b.add("both", BtfKind::kUnion, 2, 8);
  b.words({b.name("x"), i, 0, b.name("y"), c, 0});
  b.add("choice", BtfKind::kEnum, 2, 4);
  b.words({b.name("A"), 1, b.name("B"), static_cast<uint32_t>(-2)});
  b.add("wide", BtfKind::kEnum64, 1, 8, {}, true);
  b.words({b.name("W"), 5, 0xffffffff});
  b.add("ahead", BtfKind::kFwd, 0, 0);
  uint32_t proto = b.func_proto(i, {{"a", alias, 0}, {"b", i, 0}, {"", 0, 0}});
  uint32_t func = b.add("function", BtfKind::kFunc, 1, proto);
  uint32_t var = b.add("variable", BtfKind::kVar, 0, i, {1});
  b.add(".data", BtfKind::kDatasec, 1, 4);
  b.words({var, 0, 4});
  b.add("float", BtfKind::kFloat, 0, 8);
  b.decl_tag("tag", pair, 1);
  b.decl_tag("argument", func, 0);
  b.add("type-tag", BtfKind::kTypeTag, 0, i);
  b.add("flagged", BtfKind::kStruct, 2, 4, {}, true);
  b.words({b.name("low"), i, 3u << 24, b.name("high"), i, 5u << 24 | 3});
  return b;
}

void load_with_log(Session& s, const std::string& what, std::vector<std::byte> bytes) {
  static std::vector<char> log(1 << 16);
  std::fill(log.begin(), log.end(), 0);
  attr::BtfLoad a{.btf = at(bytes.data()),
                  .log_buf = at(log.data()),
                  .btf_size = static_cast<uint32_t>(bytes.size()),
                  .log_size = static_cast<uint32_t>(log.size()),
                  .log_level = 1};
  int64_t fd = s.call(what.c_str(), kBtfLoad, a);
  s.text(log.data());
  s.note("true size", a.log_true_size);
  if (fd >= 0) s.forget(static_cast<int>(fd));
}

TEST(Btf, LogOfEveryChangedWord) {
  compare([](Session& s) {
    const auto good = every_kind().bytes();
    load_with_log(s, "unchanged", good);
    for (size_t word = 0; word + 4 <= good.size(); word += 4)
      for (uint32_t value : {0u, 1u, 2u, 3u, 8u, 14u, 19u, 0x7fffffffu, 0xffffffffu}) {
        auto bad = good;
        std::memcpy(bad.data() + word, &value, 4);
        load_with_log(s, "word " + std::to_string(word / 4) + " = " + std::to_string(value), bad);
      }
    // What is in the third word of a header decides the kind; each is tried in each place.
    for (size_t word = sizeof(BtfHeader); word + 4 <= sizeof(BtfHeader) + 400; word += 4)
      for (uint32_t kind = 0; kind < 22; ++kind)
        for (uint32_t flag : {0u, 1u}) {
          auto bad = good;
          uint32_t info = flag << 31 | kind << 24;
          std::memcpy(bad.data() + word, &info, 4);
          load_with_log(s, "word " + std::to_string(word / 4) + " of kind " + std::to_string(kind),
                        bad);
        }
  });
}

TEST(Btf, LoopsAndDepth) {
  compare([](Session& s) {
    for (uint32_t length : {1u, 2u, 30u, 31u, 32u, 33u, 40u})
      for (BtfKind kind : {BtfKind::kPtr, BtfKind::kConst, BtfKind::kTypedef})
        for (bool loop : {false, true}) {
          BtfBuilder b;
          // 1 -> 2 -> ... -> length -> 1, or an int at the end.
          for (uint32_t i = 1; i <= length; ++i)
            b.add(kind == BtfKind::kTypedef ? "t" : "", kind, 0,
                  i < length ? i + 1
                  : loop     ? 1
                             : length + 1);
          b.integer("int", 4, 1);
          load_with_log(s, "chain of " + std::to_string(length), b.bytes());
        }
    BtfBuilder itself;
    itself.structure("s", 8, {{"next", 2, 0}});
    itself.add("", BtfKind::kPtr, 0, 1);
    itself.structure("bad", 8, {{"inner", 3, 0}});
    load_with_log(s, "a struct inside itself", itself.bytes());
  });
}

TEST(Info, MapsAndPrograms) {
  compare([](Session& s) {
    auto spec = map_spec(MapType::kHash, 4, 8, 5);
    std::strcpy(spec.map_name, "named");
    int fd = static_cast<int>(s.call("map", kMapCreate, spec));
    uint32_t info[64] = {};
    for (uint32_t size : {0u, 4u, 24u, 88u, 104u, 256u, 4097u}) {
      std::memset(info, 0, sizeof info);
      attr::InfoByFd i{.bpf_fd = fd, .info_len = size, .info = at(info)};
      s.call("info", kObjGetInfoByFd, i);
      s.note("length", i.info_len);
      s.note("type", info[0]);
      s.note("value size", info[3]);
    }
    info[60] = 1;
    attr::InfoByFd i{.bpf_fd = fd, .info_len = sizeof info, .info = at(info)};
    s.call("a tail that is not zero", kObjGetInfoByFd, i);
    i.info = 8;
    s.call("bad address", kObjGetInfoByFd, i);
    i.bpf_fd = 9999;
    s.call("bad descriptor", kObjGetInfoByFd, i);
    i.bpf_fd = open("/dev/null", O_RDWR);
    s.call("another file", kObjGetInfoByFd, i);
    close(i.bpf_fd);
  });
}

TEST(Programs, BindAndTestRunArguments) {
  compare([](Session& s) {
    auto p = program();
    int prog = static_cast<int>(s.call("load", kProgLoad, p)),
        map = make_map(s, MapType::kArray, 4, 8, 1);
    attr::BindMap b{.prog_fd = prog, .map_fd = map};
    s.call("bind", kProgBindMap, b);
    s.call("bind again", kProgBindMap, b);
    b.flags = 1;
    s.call("bind with flags", kProgBindMap, b);
    b = {.prog_fd = map, .map_fd = map};
    s.call("bind a map to a map", kProgBindMap, b);
    b = {.prog_fd = prog, .map_fd = 9999};
    s.call("bind nothing", kProgBindMap, b);
    attr::TestRun t{.prog_fd = prog, .ctx_size_in = 4};
    s.call("context size without context", kProgTestRun, t);
    t = {.prog_fd = 9999};
    s.call("run nothing", kProgTestRun, t);
  });
}

TEST(Links, ArgumentErrors) {
  compare([](Session& s) {
    auto p = program(ProgramType::kCgroupSock, 2);
    static const isa::Insn kOne[] = {{.code = 0xb7, .imm = 1}, {.code = 0x95}};
    p.insns = at(kOne);
    int prog = static_cast<int>(s.call("load", kProgLoad, p));
    for (uint32_t attach = 0; attach < 60; ++attach) {
      attr::LinkCreate l{};
      l.prog_fd = prog;
      l.target_fd = 9999;
      l.attach_type = attach;
      s.call(("link as " + std::to_string(attach)).c_str(), kLinkCreate, l);
      attr::Attach a{.target_fd = 9999, .attach_bpf_fd = prog, .attach_type = attach};
      s.call(("attach as " + std::to_string(attach)).c_str(), kProgAttach, a);
      a.attach_flags = 0x100;
      s.call(("attach with flags as " + std::to_string(attach)).c_str(), kProgAttach, a);
    }
    attr::LinkCreate l{};
    l.prog_fd = prog;
    l.attach_type = 2;
    l.flags = 1;
    s.call("flags", kLinkCreate, l);
    attr::LinkUpdate u{.link_fd = prog, .new_prog_fd = prog};
    s.call("update what is no link", kLinkUpdate, u);
    u.flags = 1;
    s.call("update with flags", kLinkUpdate, u);
    attr::LinkDetach d{.link_fd = 9999};
    s.call("detach nothing", kLinkDetach, d);
    attr::IterCreate i{.link_fd = prog};
    s.call("iterate over a program", kIterCreate, i);
    i.flags = 1;
    s.call("iterate with flags", kIterCreate, i);
    attr::RawTracepoint r{.name = at("no_such_tracepoint"), .prog_fd = prog};
    s.call("raw tracepoint of a cgroup program", kRawTracepointOpen, r);
    auto q = program(ProgramType::kRawTracepoint);
    r.prog_fd = static_cast<int>(s.call("load a raw tracepoint program", kProgLoad, q));
    s.call("no such tracepoint", kRawTracepointOpen, r);
    r.name = 8;
    s.call("bad name", kRawTracepointOpen, r);
    r.name = at("sched_switch");
    s.call("a tracepoint", kRawTracepointOpen, r);
    attr::EnableStats e{.type = 1};
    s.call("unknown statistics", kEnableStats, e);
  });
}

TEST(Ids, WalkFindAndForget) {
  auto kernel = trusting_kernel();
  Session s(*kernel);
  int one = make_map(s, MapType::kArray, 4, 4, 1), two = make_map(s, MapType::kHash, 4, 4, 1);
  attr::ById a{};
  ASSERT_EQ(kernel->call(kMapGetNextId, a), 0);
  uint32_t first = a.next_id;
  a = {.id = first};
  ASSERT_EQ(kernel->call(kMapGetNextId, a), 0);
  uint32_t second = a.next_id;
  a = {.id = second};
  EXPECT_EQ(kernel->call(kMapGetNextId, a), -ENOENT);
  attr::ById by{.id = first};
  int64_t again = kernel->call(kMapGetFdById, by);
  ASSERT_GE(again, 0);
  EXPECT_EQ(kernel->object<MapObject>(static_cast<int>(again)), kernel->object<MapObject>(one));
  s.forget(one);
  EXPECT_EQ(kernel->call(kMapGetNextId, a = {}), 0) << "still open by the second descriptor";
  kernel->close(static_cast<int>(again));
  by = {.id = first};
  EXPECT_EQ(kernel->call(kMapGetFdById, by), -ENOENT);
  a = {};
  ASSERT_EQ(kernel->call(kMapGetNextId, a), 0);
  EXPECT_EQ(a.next_id, second);
  s.forget(two);
  a = {};
  EXPECT_EQ(kernel->call(kMapGetNextId, a), -ENOENT);
  a = {.id = 0x80000000u};
  EXPECT_EQ(kernel->call(kMapGetNextId, a), -EINVAL);
}

TEST(Ids, TheKernelsBtfIsTheFirst) {
  auto kernel = trusting_kernel();
  attr::ById a{};
  ASSERT_EQ(kernel->call(kBtfGetNextId, a), 0);
  EXPECT_EQ(a.next_id, kernel->vmlinux_btf()->id);
}

TEST(Pins, KeepObjectsAndGiveThemBack) {
  auto kernel = trusting_kernel();
  Session s(*kernel);
  int fd = make_map(s, MapType::kArray, 4, 4, 1);
  auto map = kernel->object<MapObject>(fd);
  attr::Object pin{.pathname = at("/sys/fs/bpf/kept"), .bpf_fd = fd};
  EXPECT_EQ(kernel->call(kObjPin, pin), 0);
  EXPECT_EQ(kernel->call(kObjPin, pin), -EEXIST);
  s.forget(fd);
  attr::Object get{.pathname = at("/sys/fs/bpf/kept")};
  int64_t again = kernel->call(kObjGet, get);
  ASSERT_GE(again, 0);
  EXPECT_EQ(kernel->object<MapObject>(static_cast<int>(again)), map);
  kernel->close(static_cast<int>(again));
  get.pathname = at("/sys/fs/bpf/other");
  EXPECT_EQ(kernel->call(kObjGet, get), -ENOENT);
  get.file_flags = 1;
  EXPECT_EQ(kernel->call(kObjGet, get), -EINVAL);
  pin = {.pathname = at("/tmp/kept"), .bpf_fd = 9999};
  EXPECT_EQ(kernel->call(kObjPin, pin), -EINVAL);
}

TEST(Unsupported, IsNamed) {
  auto kernel = trusting_kernel();
  uint8_t bytes[8] = {};
  EXPECT_LT(kernel->bpf(static_cast<uint32_t>(kTokenCreate), at(bytes), sizeof bytes), 0);
  EXPECT_EQ(kernel->unsupported(), std::vector<std::string>{"BPF_TOKEN_CREATE"});
  EXPECT_EQ(kernel->bpf(1000, at(bytes), sizeof bytes), -EINVAL);
}

}  // namespace
}  // namespace drydock
