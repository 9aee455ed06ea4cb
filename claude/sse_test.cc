#include "claude/sse.h"

#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::claude {
namespace {

using ::testing::ElementsAre;

// Every event as "name|data", the stream fed in pieces of `chunk` bytes.
std::vector<std::string> Parse(std::string_view stream, size_t chunk) {
  SseParser parser;
  std::vector<SseEvent> events;
  for (size_t i = 0; i < stream.size(); i += chunk) {
    EXPECT_TRUE(parser.Feed(stream.substr(i, chunk), events).ok());
  }
  EXPECT_TRUE(parser.Finish(events).ok());
  std::vector<std::string> out;
  out.reserve(events.size());
  for (const SseEvent& event : events) {
    out.push_back(event.event + "|" + event.data);
  }
  return out;
}

TEST(SseParser, GivesTheSameEventsInAnyChunking) {
  const std::string stream =
      "\xEF\xBB\xBF"
      "event: a\r\ndata: 1\xC3\xA9\r\n\r\n:comment\r\rdata:  x\rdata:y\r\r"
      "event: b\ndata\n\nid: 7\nretry: 1\n\nevent: c\n"
      "data: \xE2\x80\xA8:z\n\ndata: last";
  for (size_t chunk = 1; chunk <= stream.size(); ++chunk) {
    EXPECT_THAT(Parse(stream, chunk), ElementsAre("a|1\xC3\xA9", "| x\ny", "b|",
                                                  "c|\xE2\x80\xA8:z", "|last"))
        << chunk;
  }
}

TEST(SseParser, TakesACarriageReturnAtTheEndOfAChunkForALineEnd) {
  SseParser parser;
  std::vector<SseEvent> events;
  ASSERT_TRUE(parser.Feed("data: 1\r", events).ok());
  ASSERT_TRUE(parser.Feed("\n\r", events).ok());
  EXPECT_EQ(events.size(), 1u);
  ASSERT_TRUE(parser.Feed("\ndata: 2\n\n", events).ok());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].data, "2");
}

TEST(SseParser, IgnoresUnknownFieldsAndBlankLines) {
  EXPECT_THAT(Parse("\n\n\nfoo: 1\nbar\n\n\n", 2), ElementsAre());
}

TEST(SseParser, SkipsAByteOrderMarkOnlyAtTheStart) {
  EXPECT_THAT(Parse("data: 1\n\n\xEF\xBB\xBF"
                    "data: 2\n\n",
                    3),
              ElementsAre("|1"));
}

TEST(SseParser, BoundsAnEvent) {
  std::vector<SseEvent> events;
  SseParser one_line(16);
  EXPECT_EQ(one_line.Feed("data: 0123456789abcdef", events).code(),
            absl::StatusCode::kResourceExhausted);
  SseParser many_lines(16);
  absl::Status status;
  for (int i = 0; i < 10 && status.ok(); ++i) {
    status = many_lines.Feed("data: 0123\n", events);
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace anabranch::claude
