// SPDX-License-Identifier: Apache-2.0
// Unit tests of BPF programs as a project that uses Drydock writes them. README.md shows the part
// between the two marks; BPF_OBJECTS is the folder of the objects.
// README begins
#include <arpa/inet.h>
#include <drydock/drydock.h>
#include <gtest/gtest.h>

struct Endpoint {
  uint8_t ip[4];
  uint16_t port_be, unused = 0;
};

TEST(ServiceConnect, RewritesTheServiceToItsBackend) {
  auto profile = drydock::Profile::load("6.18");
  ASSERT_TRUE(profile) << profile.error().message;
  drydock::Kernel kernel(*profile);
  auto object = kernel.open_file(BPF_OBJECTS "/service_connect.bpf.o");
  ASSERT_TRUE(object) << object.error().message;

  for (const drydock::Program& program : object->programs()) {
    drydock::Verdict verdict = program.verify();
    EXPECT_TRUE(verdict.accepted()) << program.name() << ": " << verdict.message;
  }

  auto session = drydock::Session::load(*object, {.programs = {"connect4"}});
  ASSERT_TRUE(session) << session.error().message;
  auto services = session->map("services");
  ASSERT_TRUE(services);
  ASSERT_TRUE(services->set(Endpoint{{10, 0, 0, 1}, htons(80)},
                            Endpoint{{127, 0, 0, 1}, htons(8080)}));
  ASSERT_TRUE(session->set_task({.comm = "curl", .uid = 1000, .cgroup = "/app"}));
  ASSERT_TRUE(session->attach("connect4", {.cgroup = "/app"}));

  ASSERT_TRUE(session->fire(drydock::CreateSocket{.socket = "s"}));
  auto outcome = session->fire(drydock::CallSocket{.socket = "s", .address = "10.0.0.1:80"});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->result, 0);
  EXPECT_EQ(outcome->address, "127.0.0.1:8080");
  EXPECT_EQ(session->map("hits")->get<uint64_t>(uint32_t{0}), 1u);
}
// README ends

TEST(ServiceConnect, FailuresAreValues) {
  EXPECT_EQ(drydock::Profile::load("nothing").error().kind, drydock::ErrorKind::kNotFound);
  drydock::Kernel kernel(*drydock::Profile::load());
  auto object = kernel.open_file("/nowhere.bpf.o");
  ASSERT_FALSE(object);
  EXPECT_NE(object.error().message.find("/nowhere.bpf.o"), std::string::npos);
}
