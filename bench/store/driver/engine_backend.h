#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend.h"
#include "options.h"
#include "store/message_store.h"

namespace apogee::bench {

// What --write-path takes.
std::vector<std::string> EngineWritePaths();

// The engine as it is used: a whole store with its dispatch, checkpoint and flush threads.
class EngineBackend final : public Backend {
 public:
  explicit EngineBackend(const Options& options) : options_(options) {}
  ~EngineBackend() override;

  std::string Open() override;
  std::string Append(std::span<const Body> bodies, int64_t* end) override;
  void RequestFlush(int64_t end) override { store_->RequestFlush({end}); }
  int64_t flushed() const override { return store_->watermarks().flushed.value; }
  std::string WaitFlushed(int64_t below) override;
  std::string DeleteBelow(int64_t offset) override;
  std::string Close() override;

 private:
  // Until the load can begin on a segment that is all made ready.
  std::string AwaitPreparedSegment();

  const Options options_;
  FlushSignal signal_;
  std::unique_ptr<MessageStore> store_;
  TopicHandle topic_;
  int32_t next_queue_ = 0;
  std::vector<AppendRequest> requests_;
  std::vector<AppendResult> results_;
};

}  // namespace apogee::bench
