#include "test/support/store_harness.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace apogee::test {

std::string Properties(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  std::string text;
  for (const auto& [name, value] : pairs) {
    if (!text.empty()) text += '\2';
    text.append(name).append(1, '\1').append(value);
  }
  return text;
}

std::vector<ReadMessage> ParseAll(std::span<const uint8_t> bytes) {
  std::vector<ReadMessage> messages;
  while (!bytes.empty()) {
    const RecordView record = ParseRecord(bytes, true);
    EXPECT_EQ(record.kind, RecordKind::kMessage) << record.reason;
    if (record.kind != RecordKind::kMessage) break;
    const MessageFields& fields = record.fields;
    messages.push_back({std::string(fields.topic), fields.queue_id, fields.queue_offset.value,
                        fields.physical_offset.value, fields.store_time_ms,
                        std::string(fields.body.begin(), fields.body.end()),
                        std::string(fields.properties.begin(), fields.properties.end())});
    bytes = bytes.subspan(record.size_bytes);
  }
  return messages;
}

void CopyStore(const std::string& from, const std::string& to) {
  // The store's threads may remove a file between the listing and the copy.
  std::error_code error;
  for (int attempt = 0; attempt < 20; ++attempt) {
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive, error);
    if (error != std::errc::no_such_file_or_directory) break;
  }
  ASSERT_FALSE(error) << error.message();
}

void Overwrite(const std::string& path, int64_t at, std::string_view bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  ASSERT_TRUE(file.is_open()) << path;
  file.seekp(at);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

StoreHarness::StoreHarness() {
  options.root = directory / "store";
  options.segment_bytes = 16 * 1024;
  options.consume_queue_file_bytes = 400;  // 20 entries
  options.index_slots = 64;
  options.index_items = 128;
  options.consume_queue_flush_interval_ms = 20;
  options.flush.interval_ms = 10;
  options.flush.least_pages = 0;
  // Whatever the machine's own disk holds.
  options.retention.clean_percent = 100;
  options.retention.forced_percent = 100;
  options.retention.refuse_percent = 100;
  options.retention.delete_hours = 0;
  options.store_host.address[0] = 127;
  options.store_host.address[3] = 1;
  options.store_host.port = 10911;
}

StoreHarness::~StoreHarness() { Drop(); }

Status StoreHarness::TryOpen() {
  store.reset();
  StoreListener listener;
  listener.on_progress = [this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  };
  listener.on_dispatched = listener.on_progress;
  listener.on_retention = listener.on_progress;
  listener.on_arrival = [this] {
    const std::lock_guard lock(mutex_);
    ++arrivals_told_;
    changed_.notify_all();
  };
  return MessageStore::Open(*io, clock, options, listener, &store);
}

void StoreHarness::Open() {
  const Status status = TryOpen();
  if (!status.ok()) throw std::runtime_error("open: " + status.ToString());
}

void StoreHarness::Close() {
  const Status status = store->Close();
  EXPECT_TRUE(status.ok()) << status.ToString();
}

TopicHandle StoreHarness::Topic(std::string_view name) {
  TopicHandle handle;
  const Status status = store->Intern(name, &handle);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return handle;
}

AppendRequest StoreHarness::Request(std::string_view topic, int32_t queue_id, std::string_view body,
                                    std::string_view properties) {
  AppendRequest request;
  request.topic = Topic(topic);
  request.queue_id = queue_id;
  request.born_time_ms = clock.NowMs();
  request.body = {reinterpret_cast<const uint8_t*>(body.data()), body.size()};
  request.properties = {reinterpret_cast<const uint8_t*>(properties.data()), properties.size()};
  return request;
}

AppendResult StoreHarness::Append(const AppendRequest& request) {
  AppendResult result;
  store->Append({&request, 1}, {&result, 1});
  return result;
}

AppendResult StoreHarness::Put(std::string_view topic, int32_t queue_id, std::string_view body,
                               std::string_view properties) {
  const AppendResult result = Append(Request(topic, queue_id, body, properties));
  EXPECT_EQ(result.status, StatusCode::kOk) << StatusCodeName(result.status);
  return result;
}

void StoreHarness::PutMany(std::string_view topic, int count, std::string_view body) {
  for (int i = 0; i < count; ++i) Put(topic, 0, std::string(body) + '-' + std::to_string(i));
}

Status StoreHarness::RemoveTopic(std::string_view name) {
  uint64_t ticket = 0;
  Status outcome = store->RemoveTopic(name, &ticket);
  bool over = !outcome.ok();
  Await([&] {
    if (over) return true;
    for (const RetentionResult& result : store->TakeRetentionResults()) {
      if (result.ticket != ticket) continue;
      over = true;
      outcome = result.status;
    }
    return over;
  });
  return outcome;
}

void StoreHarness::AwaitDispatched() {
  Await([this] { return store->watermarks().dispatched == store->watermarks().appended; });
}

void StoreHarness::Await(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  // Woken by each progress; looks again now and then, for conditions that no progress announces.
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited too long";
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(2));
  }
}

PullResult StoreHarness::Pull(const PullRequest& request, std::vector<ReadMessage>* messages) {
  std::vector<uint8_t> into(1 << 20);
  const PullResult result = store->Pull(request, into);
  if (messages != nullptr) *messages = ParseAll({into.data(), result.size_bytes});
  return result;
}

PullRequest StoreHarness::From(std::string_view topic, int32_t queue_id, int64_t from,
                               int32_t max_count) {
  PullRequest request;
  request.topic = Topic(topic);
  request.queue_id = queue_id;
  request.from = {from};
  request.max_count = max_count;
  return request;
}

std::vector<ReadMessage> StoreHarness::ReadAll(std::string_view topic, int32_t queue_id) {
  std::vector<ReadMessage> all;
  QueueBounds bounds;
  if (!store->Bounds(Topic(topic), queue_id, &bounds)) return all;
  QueueOffset next = bounds.min;
  while (next < bounds.max) {
    std::vector<ReadMessage> some;
    const PullResult result = Pull(From(topic, queue_id, next.value), &some);
    EXPECT_GT(result.next_begin, next);
    if (result.next_begin <= next) break;
    all.insert(all.end(), some.begin(), some.end());
    next = result.next_begin;
  }
  return all;
}

uint32_t StoreHarness::AwaitReadAhead() {
  uint32_t ticket = 0;
  Await([&] { return store->TakeReadAhead({&ticket, 1}) == 1; });
  return ticket;
}

int StoreHarness::arrivals_told() const {
  const std::lock_guard lock(mutex_);
  return arrivals_told_;
}

}  // namespace apogee::test
