#pragma once

#include <node_api.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

namespace apogee::addon {

// Bits that say why the event loop was woken.
inline constexpr uint32_t kWakeProgress =
    1;  // the flushed watermark may have moved, or the store failed
inline constexpr uint32_t kWakeArrival = 2;       // a watched queue has new entries
inline constexpr uint32_t kWakeOpened = 4;        // opening ended
inline constexpr uint32_t kWakeClosed = 8;        // closing ended
inline constexpr uint32_t kWakeReadAhead = 16;    // something asked of readAhead is in memory
inline constexpr uint32_t kWakeRetention = 32;    // see StoreListener::on_retention
inline constexpr uint32_t kWakeRecovering = 64;   // opening has come further
inline constexpr uint32_t kWakeDispatched = 128;  // the dispatched watermark may have moved

// Brings any thread's news to the event loop: one call in flight carries all reasons given since
// the last one.
//
// Thread: Signal() from any thread, as long as the object is not released; the rest on the event
// loop's thread. Lifetime: owned by Node-API, which frees it after the last queued call. Release()
// ends the caller's use of it.
class WakeUp {
 public:
  using Handler = std::function<void(uint32_t reasons)>;

  // Null when the environment refuses. Keeps the event loop alive until KeepLoopAlive(false).
  static WakeUp* Create(napi_env env, Handler handler);

  void Signal(uint32_t reason);
  void KeepLoopAlive(bool keep);
  // No handler runs afterwards. No other thread may Signal any more.
  void Release();

 private:
  WakeUp(napi_env env, Handler handler) : env_(env), handler_(std::move(handler)) {}
  static void OnLoop(napi_env env, napi_value callback, void* context, void* data);
  static void OnFinalize(napi_env env, void* data, void* hint);

  const napi_env env_;
  Handler handler_;
  napi_threadsafe_function function_ = nullptr;
  std::atomic<uint32_t> reasons_{0};  // not 0: a call is on its way
  bool keeps_loop_alive_ = true;
};

}  // namespace apogee::addon
