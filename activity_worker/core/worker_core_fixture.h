// Talks to a WorkerCore in the server's place.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "activity_worker/core/worker_core.h"

namespace anabranch::activity_worker::testing {

inline constexpr absl::Duration kStart = absl::Seconds(100);

inline WorkerCore::Options Options(int32_t slots = 2) {
  return {.session = "s1",
          .label = "host:1",
          .activity_types = {"echo", "sleep"},
          .slots = slots};
}

inline v1::ServerMessage Welcome(
    std::vector<std::pair<std::string, v1::VerdictKind>> verdicts = {}) {
  v1::ServerMessage message;
  message.mutable_welcome()->set_epoch("1.ab");
  for (auto& [token, kind] : verdicts) {
    v1::Verdict* verdict = message.mutable_welcome()->add_verdicts();
    verdict->set_token(token);
    verdict->set_kind(kind);
    verdict->set_reason("because");
  }
  return message;
}

inline v1::ServerMessage Task(const std::string& token) {
  v1::ServerMessage message;
  message.mutable_task()->set_token(token);
  return message;
}

inline v1::ServerMessage Cancel(const std::string& token) {
  v1::ServerMessage message;
  message.mutable_cancel()->set_token(token);
  message.mutable_cancel()->set_reason("asked to");
  return message;
}

inline v1::ServerMessage Recorded(const std::string& token) {
  v1::ServerMessage message;
  message.mutable_recorded()->set_token(token);
  return message;
}

inline v1::ServerMessage Refused(const std::string& token) {
  v1::ServerMessage message;
  message.mutable_refused()->set_token(token);
  message.mutable_refused()->set_reason("stale");
  return message;
}

// Everything that the core wants to send now.
inline std::vector<v1::WorkerMessage> Sent(WorkerCore& core,
                                           absl::Duration now = kStart) {
  std::vector<v1::WorkerMessage> messages;
  while (core.HasFrame()) {
    const v1::ConnectRequest frame = core.TakeFrame(now);
    messages.insert(messages.end(), frame.messages().begin(),
                    frame.messages().end());
  }
  return messages;
}

inline int CreditOf(const std::vector<v1::WorkerMessage>& messages) {
  int credit = 0;
  for (const auto& message : messages) credit += message.credit().count();
  return credit;
}

inline std::vector<std::string> CompletedOf(
    const std::vector<v1::WorkerMessage>& messages) {
  std::vector<std::string> tokens;
  for (const auto& message : messages) {
    if (message.has_completed()) tokens.push_back(message.completed().token());
  }
  return tokens;
}

// Opens a stream up to Welcome and takes the first credit.
inline void Connect(WorkerCore& core, v1::ServerMessage welcome = Welcome()) {
  core.StreamOpened(kStart);
  Sent(core);
  ASSERT_TRUE(core.Receive(std::move(welcome)).ok());
}

// A core with task `token` begun; returns its id.
inline TaskId BeginTask(WorkerCore& core, const std::string& token) {
  EXPECT_TRUE(core.Receive(Task(token)).ok());
  const std::vector<BegunTask> begun = core.TakeBegun();
  EXPECT_EQ(begun.size(), 1u);
  EXPECT_EQ(begun[0].task.token(), token);
  Sent(core);
  return begun[0].id;
}

}  // namespace anabranch::activity_worker::testing
