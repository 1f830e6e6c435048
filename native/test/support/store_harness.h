#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/message_store.h"
#include "test/support/manual_clock.h"
#include "test/support/temp_directory.h"

namespace apogee::test {

// A message read back from a pull or by offset.
struct ReadMessage {
  std::string topic;
  int32_t queue_id = 0;
  int64_t queue_offset = 0;
  int64_t physical_offset = 0;
  int64_t store_time_ms = 0;
  std::string body;
  std::string properties;
};

// Properties as stored: {"TAGS", "a"} pairs.
std::string Properties(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);
// Parses records that stand one behind the other.
std::vector<ReadMessage> ParseAll(std::span<const uint8_t> bytes);
// Copies a store's directory while it is open: what a kill -9 would leave.
void CopyStore(const std::string& from, const std::string& to);
// Changes bytes of a file in place.
void Overwrite(const std::string& path, int64_t at, std::string_view bytes);
std::string ReadFile(const std::string& path);

// A store with small files in its own directory, and the means to talk to it in short sentences.
class StoreHarness {
 public:
  StoreHarness();
  ~StoreHarness();

  Status TryOpen();
  void Open();   // must succeed
  void Close();  // must succeed
  void Drop() { store.reset(); }

  TopicHandle Topic(std::string_view name);
  AppendRequest Request(std::string_view topic, int32_t queue_id, std::string_view body,
                        std::string_view properties = {});
  AppendResult Append(const AppendRequest& request);
  // Appends one message and expects success.
  AppendResult Put(std::string_view topic, int32_t queue_id, std::string_view body,
                   std::string_view properties = {});
  // `count` messages BODY-0.. of queue 0.
  void PutMany(std::string_view topic, int count, std::string_view body = "body");
  // What became of it, once it is over.
  Status RemoveTopic(std::string_view name);
  void AwaitDispatched();
  void Await(const std::function<bool()>& condition);

  PullResult Pull(const PullRequest& request, std::vector<ReadMessage>* messages = nullptr);
  PullRequest From(std::string_view topic, int32_t queue_id, int64_t from, int32_t max_count = 32);
  // Every message of a queue, from its min on.
  std::vector<ReadMessage> ReadAll(std::string_view topic, int32_t queue_id);

  int arrivals_told() const;
  // Waits for the next ticket of a read-ahead.
  uint32_t AwaitReadAhead();

  TempDirectory directory;
  ManualClock clock;
  StoreOptions options;
  StoreIo* io = &PosixStoreIo();
  std::unique_ptr<MessageStore> store;

 private:
  mutable std::mutex mutex_;  // guards arrivals_told_
  std::condition_variable changed_;
  int arrivals_told_ = 0;
};

}  // namespace apogee::test
