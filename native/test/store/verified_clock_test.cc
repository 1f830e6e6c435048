#include "store/verified_clock.h"

#include <gtest/gtest.h>

#include <utility>

#include "test/support/manual_clock.h"

namespace apogee {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kReserved = 3 * kDay;

class VerifiedClockTest : public testing::Test {
 protected:
  // Looks every ten seconds, as a store does, but in larger steps.
  void Pass(VerifiedClock& verified, int64_t ms, int64_t step_ms = kMinute) {
    for (int64_t passed = 0; passed < ms; passed += step_ms) {
      clock_.Advance(step_ms);
      verified.Look();
    }
  }

  test::ManualClock clock_;
};

TEST_F(VerifiedClockTest, FollowsAClockThatGoesOnAndIsAdjustedNowAndThen) {
  VerifiedClock verified(clock_, clock_.NowMs(), kReserved);
  for (int i = 0; i < 10; ++i) {
    Pass(verified, kDay, kHour);
    clock_.Jump(i % 2 == 0 ? 20 * kMinute : -20 * kMinute);
    verified.Look();
    EXPECT_EQ(verified.now_ms(), clock_.NowMs());
    EXPECT_EQ(verified.ahead_ms(), 0);
  }
}

// As of a process that is stopped between the two readings.
class PausingClock final : public Clock {
 public:
  int64_t NowMs() const override {
    const int64_t read_ms = clock.NowMs();
    if (std::exchange(pauses, false)) clock.Advance(2 * kHour);
    return read_ms;
  }
  int64_t MonotonicUs() const override { return clock.MonotonicUs(); }

  mutable test::ManualClock clock;
  mutable bool pauses = false;
};

TEST(VerifiedClockPauseTest, TimeThatPassesBetweenTheTwoReadingsIsNoJump) {
  PausingClock clock;
  VerifiedClock verified(clock, clock.clock.NowMs(), kReserved);
  for (int i = 0; i < 6; ++i) {
    clock.pauses = i % 2 == 0;
    verified.Look();
    EXPECT_EQ(verified.ahead_ms(), 0) << i;
    EXPECT_EQ(verified.now_ms(), clock.clock.NowMs()) << i;
  }
}

TEST_F(VerifiedClockTest, AClockThatJumpsAheadIsNotBelievedUntilItIsBack) {
  VerifiedClock verified(clock_, clock_.NowMs(), kReserved);
  const int64_t start_ms = clock_.NowMs();
  clock_.Jump(3 * kDay);
  verified.Look();
  EXPECT_EQ(verified.now_ms(), start_ms);
  EXPECT_EQ(verified.ahead_ms(), 3 * kDay);
  Pass(verified, kHour);
  EXPECT_EQ(verified.now_ms(), start_ms + kHour);
  clock_.Jump(-3 * kDay);
  verified.Look();
  EXPECT_EQ(verified.now_ms(), clock_.NowMs());
  EXPECT_EQ(verified.ahead_ms(), 0);
}

TEST_F(VerifiedClockTest, ItIsBelievedWhenItHasGoneEvenlyForLongEnough) {
  VerifiedClock verified(clock_, clock_.NowMs(), kReserved);
  clock_.Jump(kDay);
  Pass(verified, kReserved - kHour);
  EXPECT_GT(verified.ahead_ms(), 0);
  clock_.Jump(kDay);  // not even: counted from here again
  Pass(verified, kReserved - kHour);
  EXPECT_EQ(verified.ahead_ms(), 2 * kDay);
  Pass(verified, 2 * kHour);
  EXPECT_EQ(verified.ahead_ms(), 0);
  EXPECT_EQ(verified.now_ms(), clock_.NowMs());
}

TEST_F(VerifiedClockTest, AClockThatGoesBackIsFollowedAndItsCorrectionDoubted) {
  VerifiedClock verified(clock_, clock_.NowMs(), kReserved);
  clock_.Jump(-4 * kDay);
  verified.Look();
  EXPECT_EQ(verified.now_ms(), clock_.NowMs());
  clock_.Jump(4 * kDay);
  verified.Look();
  EXPECT_EQ(verified.ahead_ms(), 4 * kDay);
}

TEST_F(VerifiedClockTest, ManySmallJumpsAreALargeOne) {
  VerifiedClock verified(clock_, clock_.NowMs(), kReserved);
  const int64_t start_ms = clock_.NowMs();
  for (int i = 0; i < 100; ++i) {
    clock_.Jump(30 * kMinute);
    verified.Look();
  }
  EXPECT_EQ(verified.now_ms(), start_ms + kHour);
  EXPECT_EQ(verified.ahead_ms(), 49 * kHour);
}

TEST_F(VerifiedClockTest, AtTheStartOnlyWhatHasSurelyPassedCounts) {
  const int64_t now_ms = clock_.NowMs();
  VerifiedClock idle(clock_, now_ms - 10 * kDay, kReserved);
  EXPECT_EQ(idle.now_ms(), now_ms - 10 * kDay);
  EXPECT_EQ(idle.ahead_ms(), 10 * kDay);
  VerifiedClock fresh(clock_, now_ms - 30 * kMinute, kReserved);
  EXPECT_EQ(fresh.ahead_ms(), 0);
  VerifiedClock empty(clock_, 0, kReserved);
  EXPECT_EQ(empty.now_ms(), now_ms);
}

TEST_F(VerifiedClockTest, AnOperatorMayAcceptIt) {
  VerifiedClock verified(clock_, clock_.NowMs() - 10 * kDay, kReserved);
  verified.Accept();
  EXPECT_EQ(verified.now_ms(), clock_.NowMs());
  EXPECT_EQ(verified.ahead_ms(), 0);
}

}  // namespace
}  // namespace apogee
