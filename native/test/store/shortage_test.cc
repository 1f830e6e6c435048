#include <gtest/gtest.h>

#include <cerrno>
#include <tuple>

#include "io/simulated_store_io.h"
#include "test/support/faulty_store_io.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

using test::IoCall;

constexpr const char* kReasons[] = {"No space left on device", "Too many open files",
                                    "Cannot allocate memory", "Read-only file system"};

// A store on a disk that runs out of something, or says no: each has its code and its text, and no
// store into a mapping finds no block (which would be a SIGBUS).
class ShortageTest : public testing::Test, public test::StoreHarness {
 protected:
  void SetUp() override {
    io = &faulty_;
    options.root = "/store";
    options.flush.mode = FlushMode::kSync;
    options.consume_queue_flush_interval_ms = 60000;
  }
  void TearDown() override { Drop(); }  // before the StoreIo it uses

  void PutSome(int count) {
    for (int i = 0; i < count; ++i, ++stored_) Put("T", i % 3, "some", Key());
    clock.Advance(5000);
    AwaitDispatched();
  }
  StatusCode PutUntilRefused() {
    for (int i = 0; i < 1000; ++i) {
      const StatusCode status = Append(Request("T", i % 3, std::string(1500, 'x'), Key())).status;
      if (status != StatusCode::kOk) return status;
      ++stored_;
    }
    return StatusCode::kOk;
  }
  std::string Key() { return test::Properties({{"UNIQ_KEY", "u" + std::to_string(stored_)}}); }
  void ExpectAllThere() {
    AwaitDispatched();
    size_t found = 0;
    for (int queue = 0; queue < 3; ++queue) found += ReadAll("T", queue).size();
    EXPECT_EQ(found, stored_);
    for (size_t i = 0; i < stored_; ++i) {
      EXPECT_EQ(store->QueryByKey("T", "u" + std::to_string(i), 9, 0, INT64_MAX).offsets.size(), 1u)
          << i;
    }
  }

  SimulatedStoreIo disk_;
  test::FaultyStoreIo faulty_{disk_};
  size_t stored_ = 0;
};

TEST_F(ShortageTest, AFullDiskIsRefusedAtEveryFileAndNothingIsStoredWithoutABlock) {
  // Wherever the end of space falls: a segment, a file of a queue, of the index.
  for (int64_t pages = 12; pages < 40; pages += 3) {
    SCOPED_TRACE(pages);
    Drop();
    options.root = "/store" + std::to_string(pages);
    stored_ = 0;
    disk_.SetCapacity(0);
    Open();
    SpaceInfo space;
    ASSERT_TRUE(disk_.Space("/", &space).ok());
    const auto used = static_cast<int64_t>(space.total_bytes - space.free_bytes);
    disk_.SetCapacity(used + pages * 4096);
    EXPECT_EQ(PutUntilRefused(), StatusCode::kNoSpace);
    EXPECT_TRUE(store->failure().ok()) << store->failure().ToString();
    disk_.SetCapacity(0);
    EXPECT_EQ(Append(Request("T", 0, "again", Key())).status, StatusCode::kOk);
    ++stored_;
    ExpectAllThere();
    EXPECT_EQ(disk_.PagesWithoutBlock(), 0);
    Close();
  }
}

TEST_F(ShortageTest, WithoutDescriptorsOrMapsAppendsAreRefusedAndGoOnLater) {
  Open();
  for (const auto& [call, error_number, code] :
       {std::tuple{IoCall::kOpen, EMFILE, StatusCode::kTooManyFiles},
        std::tuple{IoCall::kOpen, ENFILE, StatusCode::kTooManyFiles},
        std::tuple{IoCall::kMap, ENOMEM, StatusCode::kMapLimit}}) {
    faulty_.FailAll(call, error_number);
    EXPECT_EQ(PutUntilRefused(), code);
    EXPECT_TRUE(store->failure().ok()) << store->failure().ToString();
    faulty_.Pass(call);
    EXPECT_EQ(Append(Request("T", 0, "again", Key())).status, StatusCode::kOk);
    ++stored_;
    ExpectAllThere();
  }
  Close();
}

TEST_F(ShortageTest, WithoutDescriptorsOrMapsPullsPassOverNoMessages) {
  Open();
  PutSome(60);
  Close();
  for (const auto& [call, error_number] :
       {std::pair{IoCall::kOpen, EMFILE}, std::pair{IoCall::kMap, ENOMEM}}) {
    Drop();
    Open();
    faulty_.FailAll(call, error_number);
    const PullResult pulled = Pull(From("T", 0, 5));
    EXPECT_EQ(pulled.status, PullStatus::kOffsetFoundNull);
    EXPECT_EQ(pulled.next_begin.value, 5);
    faulty_.Pass(call);
    EXPECT_EQ(Pull(From("T", 0, 5)).status, PullStatus::kFound);
  }
}

TEST_F(ShortageTest, AnOpenThatIsRefusedNamesFileAndReason) {
  const StatusCode codes[] = {StatusCode::kNoSpace, StatusCode::kTooManyFiles,
                              StatusCode::kMapLimit, StatusCode::kReadOnlyFileSystem};
  const int errors[] = {ENOSPC, EMFILE, ENOMEM, EROFS};
  for (size_t i = 0; i < std::size(codes); ++i) {
    faulty_.FailAll(IoCall::kOpen, errors[i]);
    const Status status = TryOpen();
    EXPECT_EQ(status.code(), codes[i]) << status.ToString();
    EXPECT_NE(status.ToString().find("/store/"), std::string::npos) << status.ToString();
    EXPECT_NE(status.ToString().find(kReasons[i]), std::string::npos) << status.ToString();
    faulty_.Pass(IoCall::kOpen);
    EXPECT_TRUE(TryOpen().ok());
    Close();
    Drop();
  }
}

TEST_F(ShortageTest, ADiskThatFailsWhileASegmentIsMadeRefusesTheAppendAndIsTriedAgain) {
  Open();
  for (const IoCall call : {IoCall::kSync, IoCall::kSyncDirectory, IoCall::kReserve}) {
    faulty_.FailAll(call, EIO);
    EXPECT_EQ(PutUntilRefused(), StatusCode::kIoError);
    faulty_.Pass(call);
    if (!store->failure().ok()) {  // a queue could not be made either
      Drop();
      Open();
    }
    EXPECT_EQ(Append(Request("T", 0, "again", Key())).status, StatusCode::kOk);
    ++stored_;
    ExpectAllThere();
  }
}

TEST_F(ShortageTest, AFailedWriteOfTheCheckpointIsNamedAndKeepsTheAbortFile) {
  Open();
  PutSome(5);
  faulty_.FailPartly("/store/checkpoint", EIO);
  const Status closed = store->Close();
  EXPECT_EQ(closed.code(), StatusCode::kIoError);
  EXPECT_NE(closed.context().find("/store/checkpoint"), std::string::npos) << closed.ToString();
  EXPECT_TRUE(disk_.Exists("/store/abort"));
  faulty_.FailPartly("", 0);
  Open();
  ExpectAllThere();
}

TEST_F(ShortageTest, AFailedWriteOfTheRecoveryPointCostsTheNextOpeningNothingButTime) {
  Open();
  PutSome(5);
  Close();
  Open();
  EXPECT_EQ(store->recovery().dispatched_from, store->recovery().end);
  PutSome(5);
  faulty_.FailPartly("/store/recovery-point", EIO);
  Close();
  EXPECT_FALSE(disk_.Exists("/store/abort"));
  faulty_.FailPartly("", 0);
  Open();
  EXPECT_TRUE(store->recovery().clean);
  EXPECT_EQ(store->recovery().dispatched_from.value, 0);
  ExpectAllThere();
  Close();
}

}  // namespace
}  // namespace apogee
