// How long a store with very many queue files takes to load. Not part of a usual run:
//   apogee_engine_tests --gtest_also_run_disabled_tests --gtest_filter=QueueLoad.*
// with APOGEE_LOAD_QUEUES (default 50000) and APOGEE_LOAD_FILES, of each queue (default 4).

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "base/parallel.h"
#include "log/segment_name.h"
#include "queue/consume_queue_table.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

int64_t Setting(const char* name, int64_t fallback) {
  const char* const text = std::getenv(name);
  return text == nullptr ? fallback : std::atoll(text);
}

// Full files but for the last, which has one entry.
Status MakeQueue(const std::string& directory, int64_t files, uint32_t file_bytes) {
  APOGEE_RETURN_IF_ERROR(PosixStoreIo().CreateDirectories(directory));
  std::vector<uint8_t> bytes(file_bytes);
  for (size_t at = 0; at < bytes.size(); at += kConsumeQueueEntryBytes) {
    EncodeConsumeQueueEntry({{static_cast<int64_t>(at)}, 100, 7}, bytes.data() + at);
  }
  for (int64_t i = 0; i < files; ++i) {
    std::unique_ptr<StoreFile> file;
    APOGEE_RETURN_IF_ERROR(PosixStoreIo().Open(directory + '/' + SegmentName(i * file_bytes),
                                               StoreIo::OpenMode::kCreate, &file));
    APOGEE_RETURN_IF_ERROR(file->Truncate(file_bytes));
    const bool last = i + 1 == files;
    APOGEE_RETURN_IF_ERROR(
        file->Write(0, std::span(bytes).first(last ? kConsumeQueueEntryBytes : file_bytes)));
  }
  return Status::Ok();
}

TEST(QueueLoad, DISABLED_OfVeryManyFiles) {
  const int64_t queues = Setting("APOGEE_LOAD_QUEUES", 50000);
  const int64_t files = Setting("APOGEE_LOAD_FILES", 4);
  constexpr uint32_t kFileBytes = 8000;
  constexpr int64_t kQueuesPerTopic = 8;
  test::TempDirectory directory;
  const auto made = ParallelFor(static_cast<size_t>(queues), 2, [&](size_t i) {
    const auto n = static_cast<int64_t>(i);
    return MakeQueue(directory / ("Topic" + std::to_string(n / kQueuesPerTopic) + '/' +
                                  std::to_string(n % kQueuesPerTopic)),
                     files, kFileBytes);
  });
  ASSERT_TRUE(made.ok()) << made.ToString();
  if (std::ofstream drop("/proc/sys/vm/drop_caches"); drop) drop << "3\n";

  TopicTable topics;
  ConsumeQueueTable table(PosixStoreIo(), directory.path(), kFileBytes, topics);
  ConsumeQueueTable::LoadReport report;
  const auto seconds = [start = std::chrono::steady_clock::now()] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const Status loaded = table.Load(&report);
  ASSERT_TRUE(loaded.ok()) << loaded.ToString();
  std::cout << queues * files << " files of " << queues << " queues loaded in " << seconds()
            << " s\n";
  for (ConsumeQueue* queue : table.All()) queue->CorrectMin({0});
  std::cout << "first entries found after " << seconds() << " s\n";
  EXPECT_EQ(table.All().size(), static_cast<size_t>(queues));
  for (ConsumeQueue* queue : table.All()) {
    const Status appended = queue->Append({{files * 1000}, 100, 7});
    ASSERT_TRUE(appended.ok()) << appended.ToString();
  }
  std::cout << "one entry added to each after " << seconds() << " s\n";
  EXPECT_LE(table.mappings().kept(), QueueMappings::kDefaultCap);
}

}  // namespace
}  // namespace apogee
