#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>

namespace apogee::bench {

using Body = std::span<const uint8_t>;

// The log that is measured. Thread: all calls from the one loading thread.
// Errors are texts; empty means that it worked.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string Open() = 0;
  // Appends all bodies as messages of their own. `end`: where the log ends now. Does not wait for
  // the device.
  virtual std::string Append(std::span<const Body> bodies, int64_t* end) = 0;
  // Asks for everything below `end` to be made durable.
  virtual void RequestFlush(int64_t end) = 0;
  virtual int64_t flushed() const = 0;
  // Blocks until flushed() is above `below`, or fails.
  virtual std::string WaitFlushed(int64_t below) = 0;
  // What lies below `offset` may go, segment by segment. Does not wait for that.
  virtual std::string DeleteBelow(int64_t /*offset*/) { return "deletes nothing"; }
  // Makes everything durable and ends all threads.
  virtual std::string Close() = 0;
};

// Wakes the loading thread when a flush thread has something to say.
class FlushSignal {
 public:
  void Notify() {
    const std::lock_guard lock(mutex_);
    wake_.notify_one();
  }
  // Returns when `done` holds; it is asked at first and after each Notify.
  template <typename Done>
  void Wait(Done done) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, done);
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace apogee::bench
