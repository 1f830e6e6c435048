#include "test/support/store_ways.h"

#include <algorithm>
#include <filesystem>
#include <random>

namespace apogee::test {

StoreWith::StoreWith(const Way& way, StoreIo* over) {
  if (over != nullptr) io = over;
  options.flush.mode = way.mode;
  options.flush.commit_interval_ms = 5;
  options.flush.commit_least_pages = 0;
  options.write_path = way.path;
  options.direct_io = way.direct_io;
  options.staging_bytes = kLeastStagingBytes;
  options.segment_bytes = 32 * 1024;
}

PhysicalOffset StoreWith::PutFlushed(const std::string& body) {
  const AppendResult put = Put("T", 0, body);
  const PhysicalOffset end = put.physical_offset + put.size_bytes;
  store->RequestFlush(end);
  Await([&] { return store->watermarks().flushed >= end || !store->failure().ok(); });
  return end;
}

void StoreWith::Flush() {
  const PhysicalOffset end = store->watermarks().appended;
  store->RequestFlush(end);
  Await([&] { return store->watermarks().flushed >= end; });
}

std::vector<std::string> StoreWith::Segments() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(options.root + "/commitlog")) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string StoreWith::LogBytes() const {
  std::string bytes;
  for (const std::string& name : Segments()) bytes += ReadFile(options.root + "/commitlog/" + name);
  return bytes;
}

std::string Body(int number, size_t size_bytes) {
  std::string body = std::to_string(number) + ':';
  body.resize(std::max(body.size(), size_bytes), static_cast<char>('a' + number % 26));
  return body;
}

// Many rolls, single messages and batches, several times around the ring.
void WriteMuch(StoreWith& store) {
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    if (i % 10 == 9) {
      std::vector<std::string> bodies;
      std::vector<AppendRequest> batch;
      for (int k = 0; k < 5; ++k) bodies.push_back(Body(i * 10 + k, random() % 2000));
      for (const std::string& body : bodies) batch.push_back(store.Request("T", 1, body));
      for (AppendRequest& request : batch) request.batch_size = 0;
      batch[0].batch_size = 5;
      std::vector<AppendResult> results(batch.size());
      store.store->Append(batch, results);
      for (const AppendResult& result : results) ASSERT_EQ(result.status, StatusCode::kOk);
    } else {
      store.Put("T", i % 2, Body(i, random() % 4000));
    }
    if (i % 13 == 0) store.store->RequestFlush(store.store->watermarks().appended);
    store.clock.Advance(1);
  }
}

}  // namespace apogee::test
