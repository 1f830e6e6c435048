#include "addon/wake_up.h"

namespace apogee::addon {

WakeUp* WakeUp::Create(napi_env env, Handler handler) {
  napi_value name;
  if (napi_create_string_utf8(env, "apogee:store", NAPI_AUTO_LENGTH, &name) != napi_ok)
    return nullptr;
  auto* wake = new WakeUp(env, std::move(handler));
  const napi_status status = napi_create_threadsafe_function(
      env, nullptr, nullptr, name, /*max_queue_size=*/0, /*threads=*/1,
      /*finalize_data=*/wake, OnFinalize, /*context=*/wake, OnLoop, &wake->function_);
  if (status == napi_ok) return wake;
  delete wake;
  return nullptr;
}

void WakeUp::Signal(uint32_t reason) {
  if (reasons_.fetch_or(reason, std::memory_order_acq_rel) != 0) return;
  // Refused only while the environment goes away; then nobody is left to tell.
  napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
}

void WakeUp::KeepLoopAlive(bool keep) {
  if (keep == keeps_loop_alive_) return;
  keeps_loop_alive_ = keep;
  if (keep) {
    napi_ref_threadsafe_function(env_, function_);
  } else {
    napi_unref_threadsafe_function(env_, function_);
  }
}

void WakeUp::Release() {
  handler_ = nullptr;
  napi_release_threadsafe_function(function_, napi_tsfn_release);
}

void WakeUp::OnLoop(napi_env env, napi_value, void* context, void*) {
  auto* wake = static_cast<WakeUp*>(context);
  if (env == nullptr || !wake->handler_) return;
  // Taken before the handler looks at anything: news from here on causes another call.
  const uint32_t reasons = wake->reasons_.exchange(0, std::memory_order_acq_rel);
  const Handler handler = wake->handler_;  // survives a Release() from within
  handler(reasons);
}

void WakeUp::OnFinalize(napi_env, void* data, void*) { delete static_cast<WakeUp*>(data); }

}  // namespace apogee::addon
