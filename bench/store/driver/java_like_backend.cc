#include "java_like_backend.h"

#include <chrono>

#include "base/bytes.h"
#include "format/message_record.h"
#include "process_counters.h"

namespace apogee::bench {
namespace {

constexpr int64_t kPageBytes = 4096;
constexpr int64_t kLeastDirtyPages = 4;
constexpr auto kFlushInterval = std::chrono::milliseconds(500);
constexpr int32_t kQueues = 8;
constexpr int kNameDigits = 20;
constexpr int64_t kNsPerMs = 1000000;

}  // namespace

JavaLikeBackend::~JavaLikeBackend() { (void)Close(); }

std::string JavaLikeBackend::Open() {
  std::unique_ptr<JavaLogFile> first;
  if (std::string wrong = CreateFile(0, &first); !wrong.empty()) return wrong;
  data_ = first->data();
  files_.push_back(std::move(first));
  flush_thread_ = std::thread([this] { Flush(); });
  prepare_thread_ = std::thread([this] { PrepareFiles(); });
  return {};
}

std::string JavaLikeBackend::CreateFile(int64_t index, std::unique_ptr<JavaLogFile>* file) const {
  std::string name = std::to_string(index * options_.segment_bytes);
  name.insert(0, kNameDigits - name.size(), '0');
  *file = std::make_unique<JavaLogFile>();
  return (*file)->Create(options_.directory + "/" + name, options_.segment_bytes);
}

std::string JavaLikeBackend::Append(std::span<const Body> bodies, int64_t* end) {
  for (const Body& body : bodies) {
    if (std::string wrong = AppendOne(body); !wrong.empty()) return wrong;
  }
  *end = appended_.load(std::memory_order_relaxed);
  return {};
}

std::string JavaLikeBackend::AppendOne(Body body) {
  MessageFields fields;
  fields.topic = "Bench";
  fields.queue_id = static_cast<int32_t>(next_queue_offset_ % kQueues);
  fields.queue_offset = {next_queue_offset_ / kQueues};
  fields.store_time_ms = NowNs() / kNsPerMs;
  fields.body = body;
  const int64_t size = RecordSize(fields);
  int64_t at = appended_.load(std::memory_order_relaxed);
  if (at - base_ + size + kBlankBytes > options_.segment_bytes) {
    StoreBe32(data_ + (at - base_), static_cast<uint32_t>(base_ + options_.segment_bytes - at));
    StoreBe32(data_ + (at - base_) + 4, kBlankMagic);
    if (std::string wrong = Roll(); !wrong.empty()) return wrong;
    at = base_;
  }
  fields.physical_offset = {at};
  EncodeRecord(fields, data_ + (at - base_));
  ++next_queue_offset_;
  appended_.store(at + size, std::memory_order_release);
  return {};
}

std::string JavaLikeBackend::Roll() {
  std::unique_lock lock(mutex_);
  file_ready_.wait(lock, [this] { return next_ != nullptr || !failure_.empty(); });
  if (next_ == nullptr) return failure_;
  data_ = next_->data();
  base_ += options_.segment_bytes;
  files_.push_back(std::move(next_));
  file_wanted_.notify_one();
  return {};
}

void JavaLikeBackend::PrepareFiles() {
  for (int64_t index = 1;; ++index) {
    std::unique_ptr<JavaLogFile> file;
    const std::string wrong = CreateFile(index, &file);
    if (!wrong.empty()) return Fail(wrong);
    std::unique_lock lock(mutex_);
    next_ = std::move(file);
    file_ready_.notify_one();
    const auto old = [this] { return first_ < delete_below_ && first_ < flushed() / segment(); };
    while (next_ != nullptr && !stop_) {
      file_wanted_.wait(lock, [&] { return next_ == nullptr || stop_ || old(); });
      if (next_ != nullptr && !stop_ && old()) DeleteOldest(lock);
    }
    if (stop_) return;
  }
}

void JavaLikeBackend::DeleteOldest(std::unique_lock<std::mutex>& lock) {
  std::unique_ptr<JavaLogFile> file = std::move(files_.front());
  files_.pop_front();
  ++first_;
  lock.unlock();
  const std::string wrong = file->Delete();
  file.reset();  // takes longer than anybody may wait
  if (!wrong.empty()) Fail(wrong);
  lock.lock();
}

std::string JavaLikeBackend::DeleteBelow(int64_t offset) {
  const std::lock_guard lock(mutex_);
  delete_below_ = offset / segment();
  file_wanted_.notify_one();
  return {};
}

void JavaLikeBackend::RequestFlush(int64_t end) {
  const std::lock_guard lock(mutex_);
  if (end > wanted_) wanted_ = end;
  flush_wanted_.notify_one();
}

bool JavaLikeBackend::WaitForFlush() {
  std::unique_lock lock(mutex_);
  const auto wanted = [this] { return stop_ || wanted_ > flushed(); };
  if (options_.sync) {
    flush_wanted_.wait(lock, wanted);
  } else {
    flush_wanted_.wait_for(lock, kFlushInterval, wanted);
  }
  return !stop_ && failure_.empty();
}

void JavaLikeBackend::Flush() {
  while (WaitForFlush()) {
    const int64_t end = appended_.load(std::memory_order_acquire);
    const int64_t dirty_pages = end / kPageBytes - flushed() / kPageBytes;
    bool asked = false;
    {
      const std::lock_guard lock(mutex_);
      asked = wanted_ > flushed();
    }
    if (asked || dirty_pages >= kLeastDirtyPages) ForceUpTo(end);
  }
}

void JavaLikeBackend::ForceUpTo(int64_t end) {
  for (int64_t index = flushed() / segment(); index * segment() < end; ++index) {
    JavaLogFile* file = nullptr;
    {
      const std::lock_guard lock(mutex_);
      file = files_[static_cast<size_t>(index - first_)].get();
    }
    if (const std::string wrong = file->Force(); !wrong.empty()) return Fail(wrong);
  }
  flushed_.store(end, std::memory_order_release);
  signal_.Notify();
  const std::lock_guard lock(mutex_);
  if (delete_below_ > first_) file_wanted_.notify_one();
}

void JavaLikeBackend::Fail(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = why;
    file_ready_.notify_one();
  }
  signal_.Notify();
}

std::string JavaLikeBackend::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::string JavaLikeBackend::WaitFlushed(int64_t below) {
  signal_.Wait([&] { return flushed() > below || !failure().empty(); });
  return flushed() > below ? std::string() : failure();
}

std::string JavaLikeBackend::Close() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    flush_wanted_.notify_one();
    file_wanted_.notify_one();
  }
  if (flush_thread_.joinable()) flush_thread_.join();
  if (prepare_thread_.joinable()) prepare_thread_.join();
  return failure();
}

}  // namespace apogee::bench
