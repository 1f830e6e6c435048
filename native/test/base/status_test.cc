#include "base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "base/bytes.h"
#include "base/clock.h"

namespace apogee {
namespace {

TEST(StatusTest, ErrnoBecomesACodeTheCallerCanActOn) {
  EXPECT_EQ(Status::FromErrno(ENOSPC, "x").code(), StatusCode::kNoSpace);
  EXPECT_EQ(Status::FromErrno(EDQUOT, "x").code(), StatusCode::kNoSpace);
  EXPECT_EQ(Status::FromErrno(ENOENT, "x").code(), StatusCode::kNotFound);
  EXPECT_EQ(Status::FromErrno(EROFS, "x").code(), StatusCode::kReadOnlyFileSystem);
  EXPECT_EQ(Status::FromErrno(EMFILE, "x").code(), StatusCode::kTooManyFiles);
  EXPECT_EQ(Status::FromErrno(ENFILE, "x").code(), StatusCode::kTooManyFiles);
  EXPECT_EQ(Status::FromErrno(ENOMEM, "x").code(), StatusCode::kMapLimit);
  EXPECT_EQ(Status::FromErrno(EIO, "x").code(), StatusCode::kIoError);
  EXPECT_EQ(Status::FromErrno(EIO, "x").error_number(), EIO);
}

TEST(StatusTest, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(kLastStatusCode); ++code) {
    names.insert(StatusCodeName(static_cast<StatusCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kLastStatusCode) + 1);
  EXPECT_FALSE(names.contains("UNKNOWN"));
}

TEST(StatusTest, TextNamesCodeCallAndCause) {
  EXPECT_EQ(Status::Ok().ToString(), "OK");
  EXPECT_EQ(Status::FromErrno(EIO, "fdatasync commitlog/0").ToString(),
            "IO_ERROR: fdatasync commitlog/0: Input/output error");
  EXPECT_EQ(Status::Error(StatusCode::kTooLarge, "body").ToString(), "TOO_LARGE: body");
}

TEST(BytesTest, BigEndianAtAnyAlignment) {
  uint8_t bytes[16] = {};
  StoreBe64(bytes + 1, 0x0102030405060708u);
  EXPECT_EQ(bytes[1], 1);
  EXPECT_EQ(bytes[8], 8);
  EXPECT_EQ(LoadBe64(bytes + 1), 0x0102030405060708u);
  EXPECT_EQ(LoadBe32(bytes + 3), 0x03040506u);
  EXPECT_EQ(LoadBe16(bytes + 7), 0x0708u);
  StoreBe32(bytes, 0xDAA320A7u);
  EXPECT_EQ(bytes[0], 0xDA);
  StoreBe16(bytes, 0x8001);
  EXPECT_EQ(bytes[1], 0x01);
}

TEST(ClockTest, TheMachineClockMovesForward) {
  const int64_t before = SystemClock().MonotonicUs();
  EXPECT_GT(SystemClock().NowMs(), 1600000000000);
  EXPECT_GE(SystemClock().MonotonicUs(), before);
}

}  // namespace
}  // namespace apogee
