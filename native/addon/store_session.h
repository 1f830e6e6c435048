#pragma once

#include <node_api.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "addon/wake_up.h"
#include "base/status.h"
#include "filter/filter_set.h"
#include "store/message_store.h"

namespace apogee::addon {

class StoreSessions;

// Memory that one session's calls reuse, so that an append allocates nothing.
struct AppendScratch {
  std::vector<AppendRequest> requests;
  std::vector<AppendResult> results;
  std::vector<uint32_t> rows;  // rows[i]: the batch's row of requests[i]
};

// When a pull counts as one from disk, and how much it gets then.
struct ReadLimits {
  int64_t memory_window_bytes = INT64_MAX;
  int32_t max_count_on_disk = INT32_MAX;
  uint32_t max_bytes_on_disk = UINT32_MAX;
};

// One store from open to close, on behalf of one JavaScript object.
//
// States: opening -> open -> closing -> gone; a failed open goes from opening to gone. Opening and
// closing run on a thread of the session ("store-open", "store-close") and end in a wake-up.
// Thread: the event loop's, except for what the two threads and the engine's listener do (marked so
// below). Teardown: when the environment ends first, a cleanup hook waits for an open or close
// under way, closes the store and joins everything. It is registered after the wake-up and
// therefore runs before Node-API takes that away.
class StoreSession {
 public:
  // Takes ownership of both references. Null when the environment refuses.
  static std::unique_ptr<StoreSession> Start(napi_env env, StoreSessions& owner, uint32_t id,
                                             StoreOptions options, napi_ref on_wake,
                                             napi_ref make_error);
  ~StoreSession();
  StoreSession(const StoreSession&) = delete;
  StoreSession& operator=(const StoreSession&) = delete;

  // The engine while open, else null.
  MessageStore* store() const { return state_ == State::kOpen ? store_.get() : nullptr; }
  // True from the end of closing until the session is gone: only the two readers below work.
  bool has_final_state() const { return state_ == State::kClosed; }
  Watermarks watermarks() const {
    return has_final_state() ? final_watermarks_ : store_->watermarks();
  }
  Status failure() const { return has_final_state() ? final_failure_ : store_->failure(); }

  void BeginClose();  // open only
  // Opening may take long and cannot be stopped; everything else ends soon.
  bool is_opening() const { return state_ == State::kOpening; }
  // What somebody waits for, a set of kWake bits: these wake the event loop (arrivals always do),
  // and while there is any the session keeps the loop alive.
  void SetWaiting(uint32_t reasons);

  // Each ticket given to the engine keeps the loop alive until it is taken back.
  uint32_t NextTicket() const { return next_ticket_; }
  void NoteReadAhead();
  void NoteTaken(size_t tickets);

  ReadLimits& read_limits() { return read_limits_; }
  // What filter bit maps of new entries are made with; the dispatch thread reads it.
  CurrentFilterSet& filters() { return *filters_; }

  // Handles up to this number were given to JavaScript; -1 before the first.
  int32_t highest_handle() const { return highest_handle_; }
  void NoteHandle(TopicHandle handle) { highest_handle_ = std::max(highest_handle_, handle.value); }

  // A JavaScript StoreError, or null when JavaScript cannot run any more.
  napi_value MakeError(std::string_view code, std::string_view message,
                       napi_value cause = nullptr) const;
  napi_value MakeError(const Status& status, napi_value cause = nullptr) const;

  // How far opening has come; parts of one report may be of two.
  RecoveryProgress recovery_progress() const;

  AppendScratch& scratch() { return scratch_; }

 private:
  enum class State { kOpening, kOpen, kClosing, kClosed };

  StoreSession(napi_env env, StoreSessions& owner, uint32_t id, StoreOptions options,
               napi_ref on_wake, napi_ref make_error);
  void RunOpen();           // thread "store-open"
  void RunClose();          // thread "store-close"
  void OnEngineProgress();  // engine threads, as the next
  void OnEngineDispatched();
  void OnRecoveryProgress(const RecoveryProgress& progress);  // thread "store-open"
  bool IsWaitedFor(uint32_t reasons) const;
  void OnWake(uint32_t reasons);
  bool FinishOpen();  // whether the store is open
  void KeepLoopAliveWhileAwaited();
  void TellJavaScript(uint32_t reasons, napi_value error);
  static void OnEnvironmentEnd(void* session);

  const napi_env env_;
  StoreSessions& owner_;
  const uint32_t id_;
  const std::shared_ptr<CurrentFilterSet> filters_ = std::make_shared<CurrentFilterSet>();
  const StoreOptions options_;
  const napi_ref on_wake_;
  const napi_ref make_error_;
  WakeUp* wake_ = nullptr;
  State state_ = State::kOpening;
  std::atomic<uint32_t> waiting_{0};
  std::atomic<RecoveryPhase> recovery_phase_{RecoveryPhase::kCheck};
  std::atomic<int64_t> recovery_done_bytes_{0};
  std::atomic<int64_t> recovery_total_bytes_{0};
  std::thread thread_;  // opens or closes
  Status outcome_;      // of that thread; read after it was joined
  std::unique_ptr<MessageStore> store_;
  Watermarks final_watermarks_;
  Status final_failure_;
  int32_t highest_handle_ = -1;
  size_t reads_awaited_ = 0;
  uint32_t next_ticket_ = 0;
  ReadLimits read_limits_;
  AppendScratch scratch_;
};

}  // namespace apogee::addon
