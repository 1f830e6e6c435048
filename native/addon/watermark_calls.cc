#include "addon/watermark_calls.h"

#include <span>
#include <string>

#include "addon/arguments.h"
#include "addon/store_call.h"
#include "addon/wake_up.h"

namespace apogee::addon {
namespace {

constexpr int64_t kMaxWaitReasons =
    kWakeProgress | kWakeArrival | kWakeRetention | kWakeDispatched;

bool CanReadState(StoreCall& call) {
  return call.IsOpen() || (call.session() != nullptr && call.session()->has_final_state());
}

}  // namespace

napi_value ReadWatermarks(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  std::span<double> cells;
  if (!CanReadState(call) ||
      !call.arguments().Float64s(1, "cells", kWatermarkColumnNames.size(), &cells)) {
    return call.Refuse();
  }
  const Watermarks marks = call.session()->watermarks();
  cells[0] = static_cast<double>(marks.appended.value);
  cells[1] = static_cast<double>(marks.committed.value);
  cells[2] = static_cast<double>(marks.flushed.value);
  cells[3] = static_cast<double>(marks.dispatched.value);
  cells[4] = call.session()->failure().ok() ? 0 : 1;
  return nullptr;
}

napi_value Failure(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 1);
  if (!CanReadState(call)) return call.Refuse();
  const Status failure = call.session()->failure();
  if (failure.ok()) return nullptr;
  return call.session()->MakeError("STORE_READ_ONLY",
                                   "the store is read-only: " + failure.ToString(),
                                   call.session()->MakeError(failure));
}

napi_value RequestFlush(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  if (!call.IsOpen()) return call.Refuse();
  int64_t end = 0;
  // Nothing behind the log's end could ever be flushed.
  const int64_t appended = call.store().watermarks().appended.value;
  if (!call.arguments().Integer(1, "endOffset", 0, appended, &end)) return call.Refuse();
  call.store().RequestFlush({end});
  return nullptr;
}

napi_value SetWaiting(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  int64_t reasons = 0;
  if (!call.IsOpen() || !call.arguments().Integer(1, "reasons", 0, kMaxWaitReasons, &reasons))
    return call.Refuse();
  call.session()->SetWaiting(static_cast<uint32_t>(reasons));
  return nullptr;
}

}  // namespace apogee::addon
