// SPDX-License-Identifier: Apache-2.0
#include "answers/register_questions.h"

#include <algorithm>
#include <map>

#include "isa/assemble.h"
#include "tests/kernel/btf_builder.h"

namespace drydock::testing {
namespace {

// Where main keeps things: fp-8 to fp-32 are zero, fp-40 holds a key, r6 the context.
constexpr const char* kPrologue =
    "r6 = r1\n"
    "r0 = 0\n"
    "*(u64 *)(r10 -8) = r0\n"
    "*(u64 *)(r10 -16) = r0\n"
    "*(u64 *)(r10 -24) = r0\n"
    "*(u64 *)(r10 -32) = r0\n"
    "*(u64 *)(r10 -40) = r0\n";

constexpr const char* kReturn = "r0 = 0\nexit\n";

/// A lookup in the map, checked; the value is in r0.
std::string lookup(const std::string& map) {
  return "r1 = map_fd {" + map + "} ll\nr2 = r10\nr2 += -40\ncall bpf_map_lookup_elem#1\n" +
         "if r0 != 0 goto found\nr0 = 0\nexit\nfound:\n";
}
const std::string kChecked = "if r0 != 0 goto there\nr0 = 0\nexit\nthere:\nr7 = r0\n";
const std::string kSkb = "r7 = *(u64 *)(r6 +168)\nif r7 != 0 goto sock\nr0 = 0\nexit\nsock:\n";

struct Value {
  const char* name;
  std::string recipe;              // leaves it in r7
  const char* callback = nullptr;  // main, when the recipe and the call are in its callback
};

constexpr const char* kInForEach =
    "r1 = map_fd {hash} ll\nr2 = func callback ll\nr3 = 0\nr4 = 0\ncall "
    "bpf_for_each_map_elem#164\n";
constexpr const char* kInDrain =
    "r1 = map_fd {user_ringbuf} ll\nr2 = func callback ll\nr3 = 0\nr4 = 0\n"
    "call bpf_user_ringbuf_drain#209\n";

// clang-format off
std::vector<Value> values() {
  const std::string reserve = "r1 = map_fd {ringbuf} ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve#131\n";
  const std::string reserve_dynptr =
      "r1 = map_fd {ringbuf} ll\nr2 = 16\nr3 = 0\nr4 = r10\nr4 += -16\n"
      "call bpf_ringbuf_reserve_dynptr#198\n";
  const std::string lookup_tcp =
      "r1 = r6\nr2 = r10\nr2 += -16\nr3 = 12\nr4 = 0\nr5 = 0\ncall bpf_sk_lookup_tcp#84\n";
  const std::string packet = "r7 = *(u32 *)(r6 +76)\nr8 = *(u32 *)(r6 +80)\nr1 = r7\nr1 += 32\n";
  return {
      {"nothing", ""},
      {"0", "r7 = 0\n"},
      {"8", "r7 = 8\n"},
      {"-1", "r7 = -1\n"},
      {"0x20000000", "r7 = 0x20000000\n"},
      {"any number", "call bpf_get_prandom_u32#7\nr7 = r0\n"},
      {"0 to 7", "call bpf_get_prandom_u32#7\nr7 = r0\nr7 &= 7\n"},
      {"1 to 8", "call bpf_get_prandom_u32#7\nr7 = r0\nr7 &= 7\nr7 += 1\n"},
      {"context", "r7 = r6\n"},
      {"context+8", "r7 = r6\nr7 += 8\n"},
      {"stack", "r7 = r10\nr7 += -16\n"},
      {"unaligned stack", "r7 = r10\nr7 += -18\n"},
      {"stack never written", "r7 = r10\nr7 += -64\n"},
      {"stack top", "r7 = r10\nr7 += -4\n"},
      {"stack below its end", "r7 = r10\nr7 += -520\n"},
      {"stack at any offset", "call bpf_get_prandom_u32#7\nr0 &= 15\nr7 = r10\nr7 -= r0\nr7 += -16\n"},
      {"array", "r7 = map_fd {array} ll\n"},
      {"hash", "r7 = map_fd {hash} ll\n"},
      {"ring buffer", "r7 = map_fd {ringbuf} ll\n"},
      {"inner map", lookup("outer") + "r7 = r0\n"},
      {"map value", lookup("hash") + "r7 = r0\n"},
      {"map value+8", lookup("hash") + "r7 = r0\nr7 += 8\n"},
      {"map value at any offset", lookup("hash") + "r7 = r0\nr1 = *(u8 *)(r7 +0)\nr1 &= 7\nr7 += r1\n"},
      {"map value or null", "r1 = map_fd {hash} ll\nr2 = r10\nr2 += -40\ncall bpf_map_lookup_elem#1\nr7 = r0\n"},
      {"map value of a known key", "r1 = map_fd {array} ll\nr2 = r10\nr2 += -40\ncall bpf_map_lookup_elem#1\nr7 = r0\n"},
      {"lock in a map value", lookup("fields") + "r7 = r0\n"},
      {"timer in a map value", lookup("fields") + "r7 = r0\nr7 += 8\n"},
      {"kptr in a map value", lookup("fields") + "r7 = r0\nr7 += 24\n"},
      {"data behind fields", lookup("fields") + "r7 = r0\nr7 += 32\n"},
      {"frozen string", "r7 = map_value {frozen}+0 ll\n"},
      {"end of a frozen string", "r7 = map_value {frozen}+15 ll\n"},
      {"map key", "r7 = r2\n", kInForEach},
      {"packet", packet + "if r1 <= r8 goto inside\nr0 = 0\nexit\ninside:\n"},
      {"packet unchecked", packet},
      {"packet end", "r7 = *(u32 *)(r6 +80)\n"},
      {"packet metadata", "r7 = *(u32 *)(r6 +140)\n"},
      {"socket common or null", "r7 = *(u64 *)(r6 +168)\n"},
      {"socket common", kSkb},
      {"full socket", kSkb + "r1 = r7\ncall bpf_sk_fullsock#95\n" + kChecked},
      {"tcp socket", kSkb + "r1 = r7\ncall bpf_tcp_sock#96\n" + kChecked},
      {"acquired socket", lookup_tcp + kChecked},
      {"acquired socket or null", lookup_tcp + "r7 = r0\n"},
      {"kernel socket", kSkb + "r1 = r7\ncall bpf_skc_to_tcp_sock#137\n" + kChecked},
      {"ring buffer record", reserve + kChecked},
      {"ring buffer record or null", reserve + "r7 = r0\n"},
      {"ring buffer record+8", reserve + kChecked + "r7 += 8\n"},
      {"dynptr of a record", reserve_dynptr + "r7 = r10\nr7 += -16\n"},
      {"second half of a dynptr", reserve_dynptr + "r7 = r10\nr7 += -8\n"},
      {"local dynptr", lookup("hash") + "r1 = r0\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\n"
                       "call bpf_dynptr_from_mem#197\nr7 = r10\nr7 += -16\n"},
      {"slice of a dynptr", lookup("hash") + "r1 = r0\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\n"
                            "call bpf_dynptr_from_mem#197\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\n"
                            "call bpf_dynptr_data#203\n" + kChecked},
      {"dynptr of a callback", "r7 = r1\n", kInDrain},
      {"current task", "call bpf_get_current_task_btf#158\nr7 = r0\n"},
      {"current task+8", "call bpf_get_current_task_btf#158\nr7 = r0\nr7 += 8\n"},
      {"task of a map", lookup("fields") + "r7 = *(u64 *)(r0 +24)\n"},
      {"task of a map, checked", lookup("fields") + "r7 = *(u64 *)(r0 +24)\nif r7 != 0 goto task\nr0 = 0\nexit\ntask:\n"},
      {"task taken out of a map", lookup("fields") + "r1 = r0\nr1 += 24\nr2 = 0\ncall bpf_kptr_xchg#194\n" + kChecked},
      {"registers of a task", "call bpf_get_current_task_btf#158\nr1 = r0\ncall bpf_task_pt_regs#175\nr7 = r0\n"},
      {"per-CPU number", "r7 = btf_id {percpu_int} ll\n"},
      {"per-CPU object", "r7 = btf_id {percpu_struct} ll\n"},
      {"number of this CPU", "r1 = btf_id {percpu_int} ll\ncall bpf_this_cpu_ptr#154\nr7 = r0\n"},
      {"object of this CPU", "r1 = btf_id {percpu_struct} ll\ncall bpf_this_cpu_ptr#154\nr7 = r0\n"},
      {"function", "r7 = func nothing ll\n"},
  };
}

struct Argument {
  const char* name;
  std::string call;  // with r7 as the argument
};

std::vector<Argument> arguments() {
  const std::string stack1 = "r1 = r10\nr1 += -32\n", stack2 = "r2 = r10\nr2 += -32\n",
                    key2 = "r2 = r10\nr2 += -40\n";
  const std::string hash1 = "r1 = map_fd {hash} ll\n";
  return {
      {"number of redirect", "r1 = r7\nr2 = 0\ncall bpf_redirect#23\n"},
      {"map of map_lookup_elem", "r1 = r7\n" + key2 + "call bpf_map_lookup_elem#1\n"},
      {"key of map_lookup_elem (hash)", hash1 + "r2 = r7\ncall bpf_map_lookup_elem#1\n"},
      {"key of map_lookup_elem (array)", "r1 = map_fd {array} ll\nr2 = r7\ncall bpf_map_lookup_elem#1\n"},
      {"value of map_update_elem", hash1 + key2 + "r3 = r7\nr4 = 0\ncall bpf_map_update_elem#2\n"},
      {"value of map_pop_elem", "r1 = map_fd {queue} ll\nr2 = r7\ncall bpf_map_pop_elem#88\n"},
      {"map of map_push_elem", "r1 = r7\n" + stack2 + "r3 = 0\ncall bpf_map_push_elem#87\n"},
      {"memory of trace_printk", "r1 = r7\nr2 = 8\ncall bpf_trace_printk#6\n"},
      {"size of trace_printk", stack1 + "r2 = r7\ncall bpf_trace_printk#6\n"},
      {"memory or null of csum_diff", "r1 = r7\nr2 = 4\nr3 = 0\nr4 = 0\nr5 = 0\ncall bpf_csum_diff#28\n"},
      {"size or zero of csum_diff", stack1 + "r2 = r7\nr3 = 0\nr4 = 0\nr5 = 0\ncall bpf_csum_diff#28\n"},
      {"output of skb_load_bytes", "r1 = r6\nr2 = 0\nr3 = r7\nr4 = 8\ncall bpf_skb_load_bytes#26\n"},
      {"size of skb_load_bytes", "r1 = r6\nr2 = 0\nr3 = r10\nr3 += -32\nr4 = r7\ncall bpf_skb_load_bytes#26\n"},
      {"output of probe_read_kernel", "r1 = r7\nr2 = 8\nr3 = 0\ncall bpf_probe_read_kernel#113\n"},
      {"size of probe_read_kernel_str", stack1 + "r2 = r7\nr3 = 0\ncall bpf_probe_read_kernel_str#115\n"},
      {"context of get_hash_recalc", "r1 = r7\ncall bpf_get_hash_recalc#34\n"},
      {"context of skb_pull_data", "r1 = r7\nr2 = 0\ncall bpf_skb_pull_data#39\n"},
      {"context or null of get_netns_cookie", "r1 = r7\ncall bpf_get_netns_cookie#122\n"},
      {"lock of spin_lock", "r1 = r7\ncall bpf_spin_lock#93\nr1 = r7\ncall bpf_spin_unlock#94\n"},
      {"lock of spin_unlock", "r1 = r7\ncall bpf_spin_unlock#94\n"},
      {"timer of timer_init", "r1 = r7\nr2 = map_fd {fields} ll\nr3 = 0\ncall bpf_timer_init#169\n"},
      {"timer of timer_cancel", "r1 = r7\ncall bpf_timer_cancel#172\n"},
      {"callback of timer_set_callback", lookup("fields") + "r1 = r0\nr1 += 8\nr2 = r7\ncall bpf_timer_set_callback#170\n"},
      {"destination of kptr_xchg", "r1 = r7\nr2 = 0\ncall bpf_kptr_xchg#194\n"},
      {"source of kptr_xchg", lookup("fields") + "r1 = r0\nr1 += 24\nr2 = r7\ncall bpf_kptr_xchg#194\n"},
      {"map of ringbuf_reserve", "r1 = r7\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve#131\n"},
      {"size of ringbuf_reserve", "r1 = map_fd {ringbuf} ll\nr2 = r7\nr3 = 0\ncall bpf_ringbuf_reserve#131\n"},
      {"record of ringbuf_submit", "r1 = r7\nr2 = 0\ncall bpf_ringbuf_submit#132\n"},
      {"variable of per_cpu_ptr", "r1 = r7\nr2 = 0\ncall bpf_per_cpu_ptr#153\n"},
      {"callback of loop", "r1 = 1\nr2 = r7\nr3 = 0\nr4 = 0\ncall bpf_loop#181\n"},
      {"count of loop", "r1 = r7\nr2 = func nothing ll\nr3 = 0\nr4 = 0\ncall bpf_loop#181\n"},
      {"context of loop's callback", "r1 = 1\nr2 = func nothing ll\nr3 = r7\nr4 = 0\ncall bpf_loop#181\n"},
      {"flags of loop", "r1 = 1\nr2 = func nothing ll\nr3 = 0\nr4 = r7\ncall bpf_loop#181\n"},
      {"map of for_each_map_elem", "r1 = r7\nr2 = func nothing ll\nr3 = 0\nr4 = 0\ncall bpf_for_each_map_elem#164\n"},
      {"string of strncmp", stack1 + "r2 = 8\nr3 = r7\ncall bpf_strncmp#182\n"},
      {"format of snprintf", "r1 = 0\nr2 = 0\nr3 = r7\nr4 = r10\nr4 += -16\nr5 = 16\ncall bpf_snprintf#165\n"},
      {"data of snprintf", "r1 = 0\nr2 = 0\nr3 = map_value {frozen}+0 ll\nr4 = r7\nr5 = 8\ncall bpf_snprintf#165\n"},
      {"output of strtol", stack1 + "r2 = 8\nr3 = 0\nr4 = r7\ncall bpf_strtol#105\n"},
      {"length of check_mtu", "r1 = r6\nr2 = 0\nr3 = r7\nr4 = 0\nr5 = 0\ncall bpf_check_mtu#163\n"},
      {"header of tcp_raw_gen_syncookie_ipv4", "r1 = r7\nr2 = r10\nr2 += -40\nr3 = 20\ncall bpf_tcp_raw_gen_syncookie_ipv4#204\n"},
      {"socket of sk_fullsock", "r1 = r7\ncall bpf_sk_fullsock#95\n"},
      {"socket of sk_release", "r1 = r7\ncall bpf_sk_release#86\n"},
      {"socket of sk_storage_get", "r1 = map_fd {sk_storage} ll\nr2 = r7\nr3 = 0\nr4 = 0\ncall bpf_sk_storage_get#107\n"},
      {"value of sk_storage_get", kSkb + "r1 = map_fd {sk_storage} ll\nr2 = r7\nr3 = r7\nr4 = 0\ncall bpf_sk_storage_get#107\n"},
      {"socket of sk_assign", "r1 = r6\nr2 = r7\nr3 = 0\ncall bpf_sk_assign#124\n"},
      {"socket of skc_to_tcp_sock", "r1 = r7\ncall bpf_skc_to_tcp_sock#137\n"},
      {"task of task_storage_get", "r1 = map_fd {task_storage} ll\nr2 = r7\nr3 = 0\nr4 = 0\ncall bpf_task_storage_get#156\n"},
      {"map of task_storage_get", "call bpf_get_current_task_btf#158\nr1 = r7\nr2 = r0\nr3 = 0\nr4 = 0\ncall bpf_task_storage_get#156\n"},
      {"task of task_pt_regs", "r1 = r7\ncall bpf_task_pt_regs#175\n"},
      {"data of dynptr_from_mem", "r1 = r7\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -32\ncall bpf_dynptr_from_mem#197\n"},
      {"dynptr of ringbuf_reserve_dynptr", "r1 = map_fd {ringbuf} ll\nr2 = 8\nr3 = 0\nr4 = r7\ncall bpf_ringbuf_reserve_dynptr#198\n"},
      {"dynptr of ringbuf_submit_dynptr", "r1 = r7\nr2 = 0\ncall bpf_ringbuf_submit_dynptr#199\n"},
      {"dynptr of dynptr_data", "r1 = r7\nr2 = 0\nr3 = 4\ncall bpf_dynptr_data#203\n"},
      {"dynptr of dynptr_write", "r1 = r7\nr2 = 0\nr3 = r10\nr3 += -32\nr4 = 8\nr5 = 0\ncall bpf_dynptr_write#202\n"},
      {"map of tail_call", "r1 = r6\nr2 = r7\nr3 = 0\ncall bpf_tail_call#12\n"},
      {"index of tail_call", "r1 = r6\nr2 = map_fd {programs} ll\nr3 = r7\ncall bpf_tail_call#12\n"},
      {"map of redirect_map", "r1 = r7\nr2 = 0\nr3 = 0\ncall bpf_redirect_map#51\n"},
      {"offset of skb_store_bytes", "r1 = r6\nr2 = r7\nr3 = r10\nr3 += -32\nr4 = 8\nr5 = 0\ncall bpf_skb_store_bytes#9\n"},
  };
}
// clang-format on

size_t count_insns(const std::string& text) {
  size_t insns = 0;
  for (size_t at = 0, end; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    if (line.empty() || line.back() == ':') continue;
    insns += line.ends_with(" ll") ? 2 : 1;
  }
  return insns;
}

void replace_word(std::string* text, const std::string& word, uint64_t number) {
  const std::string mark = "{" + word + "}";
  for (size_t at; (at = text->find(mark)) != std::string::npos;)
    text->replace(at, mark.size(), std::to_string(number));
}

/// Labels are local to a program, and the recipes use the same ones: numbered anew.
std::string rename_labels(std::string text, const std::string& suffix) {
  for (const char* label : {"found", "there", "sock", "inside", "task"}) {
    for (std::string form :
         {std::string("goto ") + label + "\n", std::string("\n") + label + ":\n"}) {
      std::string with = form;
      with.insert(form.find(label) + std::string(label).size(), suffix);
      for (size_t at; (at = text.find(form)) != std::string::npos;)
        text.replace(at, form.size(), with);
    }
  }
  return text;
}

}  // namespace

std::vector<RegisterMap> register_maps() {
  using M = RegisterMap;
  return {
      {"array", MapType::kArray, 4, 16, 4, 0, M::kNone},
      {"hash", MapType::kHash, 8, 16, 4, 0, M::kNone},
      {"ringbuf", MapType::kRingbuf, 0, 0, 4096, 0, M::kNone},
      {"user_ringbuf", MapType::kUserRingbuf, 0, 0, 4096, 0, M::kNone},
      {"fields", MapType::kArray, 4, 40, 4, 0, M::kFields},
      {kFrozenMap, MapType::kArray, 4, 16, 1, kMapRdonlyProg, M::kNone},
      {"queue", MapType::kQueue, 0, 8, 4, 0, M::kNone},
      {"outer", MapType::kArrayOfMaps, 4, 4, 4, 0, M::kNone},  // of maps like "array"
      {"task_storage", MapType::kTaskStorage, 4, 8, 0, kMapNoPrealloc, M::kNumber},
      {"sk_storage", MapType::kSkStorage, 4, 8, 0, kMapNoPrealloc, M::kNumber},
      {"programs", MapType::kProgArray, 4, 4, 4, 0, M::kNone},
  };
}

RegisterBtf register_btf() {
  BtfBuilder b;
  RegisterBtf out;
  out.number = b.integer("int", 4, 1);
  const uint32_t wide = b.integer("long", 8, 1);
  const uint32_t lock = b.structure("bpf_spin_lock", 4, {{"val", out.number, 0}});
  const uint32_t timer = b.structure("bpf_timer", 16, {{"a", wide, 0}, {"b", wide, 64}});
  const uint32_t task = b.structure("task_struct", 4, {{"pid", out.number, 0}});
  const uint32_t tag = b.add("kptr", BtfKind::kTypeTag, 0, task);
  const uint32_t pointer = b.add("", BtfKind::kPtr, 0, tag);
  out.fields = b.structure(
      "fields", 40,
      {{"lock", lock, 0}, {"timer", timer, 64}, {"task", pointer, 192}, {"data", wide, 256}});
  const uint32_t proto = b.func_proto(out.number, {});
  out.function = b.add("function", BtfKind::kFunc, 0, proto);  // static
  out.bytes = b.bytes();
  return out;
}

void find_variables(const Btf& vmlinux, RegisterNames* names) {
  names->percpu_int = vmlinux.find("bpf_prog_active", BtfKind::kVar);
  names->percpu_struct = vmlinux.find("runqueues", BtfKind::kVar);
}

std::vector<RegisterQuestion> register_questions() {
  std::vector<RegisterQuestion> questions;
  for (const Argument& argument : arguments()) {
    for (const Value& value : values()) {
      const std::string asking = rename_labels("\n" + value.recipe, "1").substr(1) +
                                 rename_labels("\n" + argument.call, "2").substr(1) + kReturn;
      RegisterQuestion q{argument.name, value.name, {}};
      if (value.callback) {
        q.functions = {std::string(kPrologue) + value.callback + kReturn, "callback:\n" + asking};
      } else {
        q.functions = {kPrologue + asking};
      }
      if (asking.find("func nothing") != std::string::npos)
        q.functions.push_back("nothing:\nr0 = 0\nexit\n");
      questions.push_back(std::move(q));
    }
  }
  return questions;
}

RegisterProgram build(const RegisterQuestion& question, const RegisterNames& names) {
  RegisterProgram program;
  std::string all;
  size_t insns = 0;
  const std::vector<RegisterMap> maps = register_maps();
  for (std::string text : question.functions) {
    for (size_t i = 0; i < maps.size(); ++i)
      replace_word(&text, maps[i].word, static_cast<uint64_t>(names.map_fds[i]));
    replace_word(&text, "percpu_int", names.percpu_int);
    replace_word(&text, "percpu_struct", names.percpu_struct);
    program.functions.push_back(static_cast<uint32_t>(insns));
    insns += count_insns(text);
    all += text;
  }
  auto assembled = isa::assemble(all);
  if (assembled) program.insns = std::move(*assembled);
  return program;
}

std::string register_table(const RegisterNames& names, const RegisterOracle& oracle) {
  std::string text, section;
  std::vector<std::pair<std::string, std::string>> lines;  // message, values
  auto flush = [&] {
    if (!section.empty()) text += "[" + section + "]\n";
    for (const auto& [message, with] : lines) text += message + " <- " + with + "\n";
    lines.clear();
  };
  for (const RegisterQuestion& q : register_questions()) {
    if (q.argument != section) flush();
    section = q.argument;
    const RegisterProgram program = build(q, names);
    const std::string message = program.insns.empty() ? "does not assemble" : oracle(program);
    auto line = std::ranges::find(lines, message, &std::pair<std::string, std::string>::first);
    if (line == lines.end()) lines.emplace_back(message, q.value);
    else line->second += "; " + q.value;
  }
  flush();
  return text;
}

}  // namespace drydock::testing
