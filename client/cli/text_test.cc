#include "client/cli/text.h"

#include <string>

#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

TEST(Text, KeepsControlCharactersFromTheTerminal) {
  EXPECT_EQ(OneLine("a\x1b[31mb\nc\td\r\x7f"), "a [31mb c d ");
  EXPECT_EQ(OneLine("\xC2\x9B"
                    "1m"),
            " 1m");  // CSI as one character
  EXPECT_EQ(OneLine("a\xE2\x80\xAE"
                    "b"),
            "a b");  // right-to-left override
  EXPECT_EQ(Printable("a\n\tb\x1b"), "a\n\tb ");
  EXPECT_EQ(OneLine("a\xff"), "a\xEF\xBF\xBD");
}

TEST(Text, CountsColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("äöü"), 3);
  EXPECT_EQ(DisplayWidth("日本"), 4);
  EXPECT_EQ(DisplayWidth("e\xCC\x81"), 1);
}

TEST(Text, TruncatesAtCharacters) {
  EXPECT_EQ(Truncate("abcdef", 6), "abcdef");
  EXPECT_EQ(Truncate("abcdef", 4), "abc…");
  EXPECT_EQ(Truncate("äöüäöü", 4), "äöü…");
  EXPECT_EQ(Truncate("日本語", 4), "日…");
  EXPECT_EQ(Truncate("abc", 0), "abc");
}

TEST(Text, SaysDurationsAndSizes) {
  EXPECT_EQ(HumanDuration(absl::Milliseconds(12)), "12 ms");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(1234)), "1.2 s");
  EXPECT_EQ(HumanDuration(absl::Seconds(200)), "3 m 20 s");
  EXPECT_EQ(HumanDuration(absl::Minutes(125)), "2 h 5 m");
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(1434), "1.4 KiB");
  EXPECT_EQ(FormatBytes(3 * 1024 * 1024), "3.0 MiB");
}

TEST(Text, IndentsJsonInItsOwnOrder) {
  EXPECT_EQ(PrettyJson(R"({"b":1,"a":[true]})"),
            "{\n  \"b\": 1,\n  \"a\": [\n    true\n  ]\n}");
  EXPECT_EQ(PrettyJson("no json"), "no json");
}

TEST(Table, AlignsColumns) {
  Table table({"NAME", "N"});
  table.Add({"ä", "1"});
  table.Add({"longer", "2"});
  EXPECT_EQ(table.Render(0),
            "NAME    N\n"
            "ä       1\n"
            "longer  2\n");
}

TEST(Table, FitsTheTerminal) {
  Table table({"A", "B", "C"});
  table.Add({std::string(30, 'a'), std::string(30, 'b'), std::string(30, 'c')});
  for (const int width : {80, 60, 40, 30}) {
    const std::string text = table.Render(width);
    size_t begin = 0;
    while (begin < text.size()) {
      const size_t end = text.find('\n', begin);
      EXPECT_LE(DisplayWidth(text.substr(begin, end - begin)), width);
      begin = end + 1;
    }
  }
  // The last column gives way first.
  EXPECT_NE(table.Render(80).find(std::string(30, 'b')), std::string::npos);
}

}  // namespace
}  // namespace anabranch::cli
