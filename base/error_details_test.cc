#include "base/error_details.h"

#include <gtest/gtest.h>

namespace anabranch {
namespace {

TEST(MakeError, CarriesReasonAndMetadata) {
  absl::Status status = MakeError(absl::StatusCode::kNotFound, "RUN_NOT_FOUND",
                                  "no run r-1", {{"run_id", "r-1"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "RUN_NOT_FOUND");
}

TEST(InvalidFields, NamesEveryField) {
  absl::Status status =
      InvalidFields({{"a", "is missing"}, {"b[1].c", "is negative"}});
  EXPECT_EQ(status.message(), "a: is missing; b[1].c: is negative");
  ASSERT_EQ(FieldProblems(status).size(), 2u);
  EXPECT_EQ(FieldProblems(status)[1].field, "b[1].c");
  EXPECT_EQ(ErrorReason(status), "INVALID_FIELD");
}

TEST(ErrorReason, IsEmptyForPlainErrors) {
  EXPECT_EQ(ErrorReason(absl::InternalError("x")), "");
}

}  // namespace
}  // namespace anabranch
