#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "format/checkpoint_layout.h"
#include "log/mapped_file_queue.h"
#include "test/support/store_harness.h"

namespace apogee::test {

// A store that is killed, damaged and opened again.
class RecoveryFixture : public testing::Test, public StoreHarness {
 protected:
  void SetUp() override { Open(); }

  // Goes on with what a kill -9 at this moment would leave.
  void Kill() {
    const std::string copy = directory / ("copy-" + std::to_string(++copies_));
    CopyStore(options.root, copy);
    Drop();
    options.root = copy;
  }
  std::string Segment(int64_t start) { return options.root + "/commitlog/" + SegmentName(start); }
  std::string QueueFile(const std::string& queue, int64_t start) {
    return options.root + "/consumequeue/" + queue + '/' + SegmentName(start);
  }
  // What was checkpointed by offset is forgotten: Java's rule counts, all within its margin is
  // read.
  void ForgetRecoveryPoint() { std::filesystem::remove(options.root + "/recovery-point"); }
  void SetCheckpoint(const CheckpointTimes& times) {
    std::string bytes(kCheckpointUsedBytes, '\0');
    EncodeCheckpoint(times, reinterpret_cast<uint8_t*>(bytes.data()));
    Overwrite(options.root + "/checkpoint", 0, bytes);
  }
  CheckpointTimes CheckpointOnDisk() {
    const std::string bytes = ReadFile(options.root + "/checkpoint");
    EXPECT_EQ(bytes.size(), kCheckpointFileBytes);
    return DecodeCheckpoint(reinterpret_cast<const uint8_t*>(bytes.data()));
  }
  // `count` messages of 1,000 bytes, spread over two topics and two queues, with a key each.
  void PutMixed(int count) {
    for (int i = 0; i < count; ++i) {
      const int n = total_++;
      Put(n % 3 == 0 ? "A" : "B", n % 2, std::to_string(n) + std::string(1000, '.'),
          Properties({{"UNIQ_KEY", "u" + std::to_string(n)}}));
      clock.Advance(10);
    }
  }
  // Every message is in its queue once, in order, and found by its key.
  void ExpectAllMixed(int count) {
    int found = 0;
    for (const char* topic : {"A", "B"}) {
      for (int queue = 0; queue < 2; ++queue) {
        int64_t next = 0;
        int last = -1;
        for (const ReadMessage& message : ReadAll(topic, queue)) {
          EXPECT_EQ(message.queue_offset, next++);
          const int n = std::stoi(message.body);
          EXPECT_GT(n, last);
          last = n;
          EXPECT_EQ(n % 2, queue);
          ++found;
          const auto offsets =
              store->QueryByKey(topic, "u" + std::to_string(n), 64, 0, INT64_MAX).offsets;
          EXPECT_EQ(offsets, (std::vector<PhysicalOffset>{{message.physical_offset}})) << n;
        }
      }
    }
    EXPECT_EQ(found, count);
  }
  void ExpectNoEntriesAdded() { EXPECT_EQ(store->recovery().added_entries, 0); }

  int total_ = 0;

 private:
  int copies_ = 0;
};

}  // namespace apogee::test
