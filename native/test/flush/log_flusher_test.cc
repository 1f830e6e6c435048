#include "flush/log_flusher.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "test/support/faulty_store_io.h"
#include "test/support/manual_clock.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

using test::IoCall;

class LogFlusherTest : public testing::Test {
 protected:
  LogFlusherTest() {
    CommitLogOptions options;
    options.directory = directory_ / "commitlog";
    options.segment_bytes = 1 << 20;
    log_ = std::make_unique<CommitLog>(io_, clock_, options);
    EXPECT_TRUE(log_->Load().ok());
  }

  void Start(FlushOptions options) {
    flusher_ = std::make_unique<LogFlusher>(*log_, options, [this] {
      const std::lock_guard lock(mutex_);
      ++notices_;
      changed_.notify_all();
    });
    flusher_->Start();
  }
  static FlushOptions Sync() {
    FlushOptions options;
    options.mode = FlushMode::kSync;
    return options;
  }
  static FlushOptions Async(int32_t least_pages, int64_t thorough_interval_ms) {
    FlushOptions options;
    options.interval_ms = 1;
    options.least_pages = least_pages;
    options.thorough_interval_ms = thorough_interval_ms;
    return options;
  }
  PhysicalOffset Append(size_t body_bytes = 100) {
    const std::vector<uint8_t> body(body_bytes, 'b');
    MessageFields fields;
    fields.topic = "T";
    fields.body = body;
    PhysicalOffset end;
    const Status status = log_->Append({&fields, 1}, &end);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return end;
  }
  template <typename Condition>
  void WaitFor(Condition condition) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, condition);
  }
  void WaitUntilFlushed(PhysicalOffset end) {
    WaitFor([&] { return flusher_->flushed() >= end; });
  }
  int notices() {
    const std::lock_guard lock(mutex_);
    return notices_;
  }

  test::TempDirectory directory_;
  test::FaultyStoreIo io_{PosixStoreIo()};
  test::ManualClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int notices_ = 0;
  std::unique_ptr<CommitLog> log_;
  std::unique_ptr<LogFlusher> flusher_;
};

TEST_F(LogFlusherTest, ASyncRequestIsFlushedAndTold) {
  Start(Sync());
  const PhysicalOffset end = Append();
  flusher_->Request(end);
  WaitUntilFlushed(end);
  EXPECT_EQ(log_->flushed(), end);
  EXPECT_TRUE(flusher_->Stop().ok());
}

TEST_F(LogFlusherTest, AllAppendsWaitingWhenASyncStartsShareIt) {
  Start(Sync());
  io_.Hold(IoCall::kMappingSync);
  flusher_->Request(Append());
  io_.WaitUntilHeld(IoCall::kMappingSync);
  PhysicalOffset end;
  for (int k = 0; k < 100; ++k) {
    end = Append();
    flusher_->Request(end);
  }
  io_.Release(IoCall::kMappingSync);
  WaitUntilFlushed(end);
  EXPECT_EQ(io_.calls(IoCall::kMappingSync), 2);
  EXPECT_EQ(notices(), 2);
}

TEST_F(LogFlusherTest, NothingIsFlushedUnderSyncWithoutARequest) {
  Start(Sync());
  Append();
  const PhysicalOffset end = Append();
  EXPECT_EQ(io_.calls(IoCall::kMappingSync), 0);
  flusher_->Request({end.value + 1000});  // more than there is counts as all there is
  WaitUntilFlushed(end);
  EXPECT_EQ(io_.calls(IoCall::kMappingSync), 1);
  flusher_->Request(end);
  EXPECT_TRUE(flusher_->Stop().ok());
  EXPECT_EQ(io_.calls(IoCall::kMappingSync), 1);
}

TEST_F(LogFlusherTest, TheFirstFailedSyncIsStickyAndToldOnce) {
  Start(Sync());
  const PhysicalOffset before = Append();
  flusher_->Request(before);
  WaitUntilFlushed(before);
  io_.Fail(IoCall::kMappingSync, 1, EIO);
  flusher_->Request(Append());
  WaitFor([&] { return !flusher_->status().ok(); });
  EXPECT_EQ(flusher_->status().error_number(), EIO);
  flusher_->Request(Append());
  EXPECT_EQ(flusher_->Stop().code(), StatusCode::kIoError);
  EXPECT_EQ(flusher_->flushed(), before);
  EXPECT_EQ(io_.calls(IoCall::kMappingSync), 2);
  EXPECT_EQ(notices(), 2);
}

TEST_F(LogFlusherTest, AsyncFlushesWhenEnoughPagesAreDirty) {
  Start(Async(4, 1000000));
  const PhysicalOffset end = Append(5 * 4096);
  WaitUntilFlushed(end);
  EXPECT_TRUE(flusher_->Stop().ok());
}

TEST_F(LogFlusherTest, AsyncFlushesTheRestWhenTheThoroughIntervalHasPassed) {
  Start(Async(1000, 10000));
  const PhysicalOffset end = Append();
  EXPECT_EQ(io_.calls(IoCall::kMappingSync), 0);
  clock_.Advance(10000);
  WaitUntilFlushed(end);
}

// A dispatcher that follows the log asks for commits all the time.
TEST_F(LogFlusherTest, AsyncFlushesByIntervalHoweverOftenCommitsAreAskedFor) {
  CommitLogOptions staged = log_->options();
  staged.write_path = WritePath::kStaged;
  log_ = std::make_unique<CommitLog>(io_, clock_, staged);
  ASSERT_TRUE(log_->Load().ok());
  FlushOptions options = Async(0, 1000000);
  options.interval_ms = options.commit_interval_ms = 3600000;  // none passes during the test
  Start(options);
  Append();
  flusher_->RequestCommit();
  WaitFor([&] { return notices_ == 1; });
  EXPECT_EQ(log_->flushed().value, 0);
  clock_.Advance(options.interval_ms);
  const PhysicalOffset end = Append();
  flusher_->RequestCommit();
  WaitFor([&] { return notices_ == 2; });
  EXPECT_EQ(log_->flushed(), end);
}

TEST_F(LogFlusherTest, AsyncFlushesAtOnceForWhoAsks) {
  Start(Async(1000, 1000000));
  const PhysicalOffset end = Append();
  flusher_->Request(end);
  WaitUntilFlushed(end);
}

TEST_F(LogFlusherTest, StopFlushesWhatIsAppendedAndLeavesNoPreparedSegment) {
  for (const FlushMode mode : {FlushMode::kAsync, FlushMode::kSync}) {
    FlushOptions options;
    options.mode = mode;
    Start(options);
    const PhysicalOffset end = Append();
    EXPECT_TRUE(flusher_->Stop().ok());
    EXPECT_TRUE(flusher_->Stop().ok());
    EXPECT_EQ(log_->flushed(), end);
    EXPECT_EQ(log_->segments().Prepared(), nullptr);
    std::vector<DirEntry> entries;
    ASSERT_TRUE(io_.List(directory_ / "commitlog", &entries).ok());
    EXPECT_EQ(entries.size(), 1u);
  }
}

TEST_F(LogFlusherTest, StopBeforeStartIsFine) {
  LogFlusher flusher(*log_, Sync(), [] {});
  EXPECT_TRUE(flusher.Stop().ok());
}

TEST_F(LogFlusherTest, ManySegmentsUnderLoadEndWhollyFlushed) {
  Start(Sync());
  PhysicalOffset end;
  for (int k = 0; k < 5000; ++k) {
    end = Append(static_cast<size_t>(k % 3000));
    if (k % 7 == 0) flusher_->Request(end);
  }
  flusher_->Request(end);
  WaitUntilFlushed(end);
  EXPECT_TRUE(flusher_->Stop().ok());
  EXPECT_GT(log_->segments().files().size(), 3u);
}

}  // namespace
}  // namespace apogee
