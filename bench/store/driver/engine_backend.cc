#include "engine_backend.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "io/store_io.h"

namespace apogee::bench {
namespace {

constexpr int32_t kQueues = 8;
// Paths that begin on a segment which is all made ready.
constexpr std::string_view kStagedWarm = "staged-warm";
constexpr std::string_view kDirectWarm = "direct-warm";
constexpr auto kLongestPreparation = std::chrono::seconds(60);

constexpr std::array<std::string_view, 6> kWritePaths = {"mapped", "staged", kStagedWarm,
                                                          "pool",   "direct", kDirectWarm};

// Sets the write path in `options`; false when there is none of that name.
bool SetWritePath(std::string_view path, StoreOptions* options) {
  options->write_path = path == "mapped" ? WritePath::kMapped
                        : path == "pool" ? WritePath::kPool
                                         : WritePath::kStaged;
  options->direct_io = path == "direct" || path == kDirectWarm;
  options->warm_segments = path == kStagedWarm || path == kDirectWarm;
  return std::ranges::find(kWritePaths, path) != kWritePaths.end();
}

}  // namespace

std::vector<std::string> EngineWritePaths() { return {kWritePaths.begin(), kWritePaths.end()}; }

EngineBackend::~EngineBackend() = default;

std::string EngineBackend::Open() {
  StoreOptions options;
  options.root = options_.directory;
  options.segment_bytes = options_.segment_bytes;
  options.staging_bytes = options_.staging_bytes;
  options.flush.mode = options_.sync ? FlushMode::kSync : FlushMode::kAsync;
  if (!SetWritePath(options_.write_path, &options)) {
    return "this engine has no write path " + options_.write_path;
  }
  // Several segments a second, where the pauses are meant for one in minutes.
  options.retention.delete_segment_interval_ms = 0;
  options.retention.delete_queue_files_interval_ms = 0;
  StoreListener listener;
  listener.on_progress = [this] { signal_.Notify(); };
  Status opened = MessageStore::Open(PosixStoreIo(), SystemClock(), options, listener, &store_);
  if (opened.ok()) opened = store_->Intern("Bench", &topic_);
  if (!opened.ok()) return opened.ToString();
  // The store of an empty directory has nothing to note but that it cannot write as it was asked
  // to.
  const std::vector<std::string>& notes = store_->recovery().notes;
  if (options.direct_io && !notes.empty()) return notes.front();
  return options.warm_segments ? AwaitPreparedSegment() : std::string();
}

std::string EngineBackend::AwaitPreparedSegment() {
  const auto end = std::chrono::steady_clock::now() + kLongestPreparation;
  while (store_->watermarks().prepared.value < options_.segment_bytes) {
    if (!store_->failure().ok()) return store_->failure().ToString();
    if (std::chrono::steady_clock::now() > end) return "the first segment was not prepared in time";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

std::string EngineBackend::Append(std::span<const Body> bodies, int64_t* end) {
  requests_.resize(bodies.size());
  results_.resize(bodies.size());
  for (size_t i = 0; i < bodies.size(); ++i) {
    requests_[i].topic = topic_;
    requests_[i].queue_id = next_queue_;
    requests_[i].body = bodies[i];
    next_queue_ = (next_queue_ + 1) % kQueues;
  }
  store_->Append(requests_, results_);
  for (const AppendResult& result : results_) {
    if (result.status != StatusCode::kOk) {
      const Status failure = store_->failure();
      return "append failed: " + std::string(StatusCodeName(result.status)) +
             (failure.ok() ? std::string() : ", " + failure.ToString());
    }
  }
  const AppendResult& last = results_.back();
  *end = last.physical_offset.value + last.size_bytes;
  return {};
}

std::string EngineBackend::WaitFlushed(int64_t below) {
  signal_.Wait([&] { return flushed() > below || !store_->failure().ok(); });
  return flushed() > below ? std::string() : store_->failure().ToString();
}

std::string EngineBackend::DeleteBelow(int64_t offset) {
  uint64_t ignored = 0;
  RetentionRequest request;
  request.kind = RetentionRequest::Kind::kTruncateBefore;
  request.offset = {offset};
  const Status asked = store_->RequestRetention(std::move(request), &ignored);
  return asked.ok() ? std::string() : asked.ToString();
}

std::string EngineBackend::Close() {
  const Status closed = store_->Close();
  return closed.ok() ? std::string() : closed.ToString();
}

}  // namespace apogee::bench
