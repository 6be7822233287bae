// SPDX-License-Identifier: Apache-2.0
// The comparison of an observation with a case's expectation: every field, equal and not.
#include "emulator/cases/expectations.h"

#include <gtest/gtest.h>

namespace drydock::cases {
namespace {

struct Row {
  const char* kind;
  const char* step;  // expectations
  const char* observed;
  const char* difference;  // part of the message; "" when there is none
};
// clang-format off
constexpr Row kRows[] = {
    {"load", "{}", R"({"verdict":"accepted"})", ""},
    {"load", "{}", R"({"verdict":"rejected","message":"R1 !read_ok"})", "rejected, expected accepted: R1 !read_ok"},
    {"load", R"({"verdict":"rejected","message":"read_ok","errno":13})", R"({"verdict":"rejected","message":"R1 !read_ok","errno":13})", ""},
    {"load", R"({"verdict":"rejected","errno":13})", R"({"verdict":"rejected","errno":22})", "errno 22, expected 13"},
    {"load", R"({"insns_processed":7})", R"({"verdict":"accepted","insns_processed":8})", "processed 8 instructions, expected 7"},
    {"connect", "{}", R"({"result":0})", ""},
    {"connect", "{}", R"({"result":-1})", "result -EPERM, expected 0"},
    {"connect", R"({"result":"-EPERM"})", R"({"result":-1})", ""},
    {"connect", R"({"rewritten":"127.0.0.1"})", R"({"result":0,"rewritten":"127.0.0.1:80"})", ""},
    {"connect", R"({"rewritten":"127.0.0.1:81"})", R"({"result":0,"rewritten":"127.0.0.1:80"})", "rewritten is 127.0.0.1:80"},
    {"sendmsg", R"({"source":"[::1]:1"})", R"({"result":0,"source":"[::2]:1"})", "source is [::2]:1"},
    {"getsockname", R"({"address":"1.2.3.4:5"})", R"({"result":0,"address":"1.2.3.4:6"})", "address is"},
    {"connect", R"({"returns":[1,0]})", R"({"result":0,"returns":[1,1]})", "programs returned [1,1]"},
    {"connect", "{}", R"({"result":0,"fault":"out of bounds"})", "the program stopped: out of bounds"},
    {"connect", R"({"fault":"bounds"})", R"({"result":0,"fault":"out of bounds"})", ""},
    {"connect", R"({"fault":"bounds"})", R"({"result":0,"fault":""})", "no fault, expected `bounds`"},
    {"call", R"({"skipped":true})", R"({"skipped":false})", "the function was not skipped"},
    {"iterate", R"({"output":"a"})", R"({"result":0,"output":"b"})", "output is"},
    {"run", R"({"return":3})", R"({"return":4})", "returned 4, expected 3"},
    {"run", R"({"context_after":"00"})", R"({"context_after":"01"})", "context is 01"},
    {"map", R"({"entries":[{"key":0,"value":1}]})", R"({"entries":[{"value":"01000000"}]})", ""},
    {"map", R"({"entries":[{"key":0,"value":1}]})", R"({"entries":[{"value":"02000000"}]})", "value is 02000000, expected 01000000"},
    {"map", R"({"entries":[{"key":0,"value":1}]})", R"({"entries":[{"result":-2}]})", "look-up gives -ENOENT"},
    {"map", R"({"absent":[5]})", R"({"absent":[false]})", "there is an element 5"},
    {"map", R"({"count":2})", R"({"count":3})", "3 elements, expected 2"},
    {"global", R"({"value":258})", R"({"value":"0201"})", ""},
    {"global", R"({"value":258})", R"({"value":"0202"})", "value is 0202, expected 0201"},
    {"ringbuf", R"({"records":["0102"]})", R"({"records":["0103"]})", "record 0 is 0103"},
    {"ringbuf", R"({"records":[]})", R"({"records":["0103"]})", "1 records, expected 0"},
    {"output", R"({"contains":"abc"})", R"({"printed":"xabcx"})", ""},
    {"output", R"({"contains":"abc"})", R"({"printed":"xabx"})", "without `abc`"},
    {"output", R"({"trace":"abc"})", R"({"trace":"abcd"})", "expected `abc`"},
    {"output", R"({"effects":[{"signal":9}]})", R"({"effects":[]})", "effects are []"},
};
// clang-format on

TEST(Expectations, EachFieldEqualAndNot) {
  for (const Row& row : kRows) {
    Json step = Json::parse(row.step);
    Reader reader(step, "steps[0]");
    auto same = check_observation(row.kind, reader, Json::parse(row.observed));
    std::string wanted = row.difference;
    if (wanted.empty()) {
      EXPECT_TRUE(same) << row.kind << " " << row.step << ": " << same.error().message;
      continue;
    }
    ASSERT_FALSE(same) << row.kind << " " << row.step;
    EXPECT_EQ(same.error().kind, ErrorKind::kInternal);
    EXPECT_NE(same.error().message.find(wanted), std::string::npos) << same.error().message;
  }
}

TEST(Expectations, WhatWasExpectedAndNotSeenIsTold) {
  Json step = Json::parse(R"({"socket":"s","result":0,"returns":[1],"rewritten":"1.2.3.4:5"})");
  Reader reader(step, "steps[0]");
  reader.take("socket");
  auto unseen = check_observation("connect", reader, Json::parse(R"({"result":0})"));
  ASSERT_TRUE(unseen);
  EXPECT_EQ(*unseen, (std::vector<std::string>{"returns", "rewritten"}));
  EXPECT_TRUE(reader.finish());
}

TEST(Expectations, AFieldThatNoStepOfItsKindHasStaysUnknown) {
  Json step = Json::parse(R"({"retruns":[1]})");
  Reader reader(step, "steps[0]");
  ASSERT_TRUE(check_observation("connect", reader, Json::parse(R"({"result":0})")));
  auto done = reader.finish();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("did you mean `returns`"), std::string::npos);
}

}  // namespace
}  // namespace drydock::cases
