#include "addon/lifecycle_calls.h"

#include <napi.h>

#include <span>
#include <string>
#include <utility>

#include "addon/store_call.h"
#include "addon/store_options.h"
#include "addon/store_sessions.h"

namespace apogee::addon {
namespace {

// Throws what the caller's own factory makes of a refused option: there is no session yet.
napi_value ThrowInvalidOptions(napi_env env, const Napi::Function& make_error,
                               const std::string& problem) {
  const Napi::Value error =
      make_error.Call({Napi::String::New(env, "STORE_INVALID_ARGUMENT"),
                       Napi::String::New(env, problem), Napi::Env(env).Undefined()});
  if (!error.IsEmpty()) napi_throw(env, error);
  return nullptr;
}

napi_ref Reference(napi_env env, napi_value value) {
  napi_ref reference = nullptr;
  napi_create_reference(env, value, 1, &reference);
  return reference;
}

}  // namespace

napi_value Open(napi_env env, napi_callback_info callback_info) {
  const Napi::CallbackInfo info(env, callback_info);
  if (!info[0].IsObject() || !info[1].IsFunction() || !info[2].IsFunction()) {
    napi_throw_type_error(env, "STORE_INVALID_ARGUMENT", "open takes options and two functions");
    return nullptr;
  }
  StoreOptions options;
  const std::string problem = ReadStoreOptions(info[0].As<Napi::Object>(), &options);
  if (Napi::Env(env).IsExceptionPending()) return nullptr;  // thrown by a getter of the caller's
  if (!problem.empty()) return ThrowInvalidOptions(env, info[2].As<Napi::Function>(), problem);
  const uint32_t id = StoreSessions::Of(env).Open(env, std::move(options), Reference(env, info[1]),
                                                  Reference(env, info[2]));
  if (id == 0) {
    napi_throw_error(env, "STORE_CLOSED", "this thread is ending: no store can be opened");
    return nullptr;
  }
  return Napi::Number::New(env, id);
}

napi_value Recovery(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 1);
  if (!call.IsOpen()) return call.Refuse();
  const RecoveryReport& report = call.store().recovery();
  Napi::Array notes = Napi::Array::New(env, report.notes.size());
  for (uint32_t i = 0; i < report.notes.size(); i++) {
    Napi::HandleScope scope(env);
    notes.Set(i, report.notes[i]);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("wasClean", report.clean);
  result.Set("checkedFromOffset", static_cast<double>(report.checked_from.value));
  result.Set("dispatchedFromOffset", static_cast<double>(report.dispatched_from.value));
  result.Set("endOffset", static_cast<double>(report.end.value));
  result.Set("addedQueueEntries", static_cast<double>(report.added_entries));
  result.Set("damagedRanges", static_cast<double>(report.damaged_ranges));
  result.Set("notes", notes);
  return result;
}

napi_value RecoveryProgressOf(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  std::span<double> cells;
  if (call.session() == nullptr || !call.arguments().Float64s(1, "cells", 3, &cells)) {
    return call.Refuse();
  }
  const RecoveryProgress progress = call.session()->recovery_progress();
  cells[0] = static_cast<double>(progress.phase);
  cells[1] = static_cast<double>(progress.done_bytes);
  cells[2] = static_cast<double>(progress.total_bytes);
  return nullptr;
}

napi_value Close(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 1);
  if (!call.IsOpen()) return call.Refuse();
  call.session()->BeginClose();
  return nullptr;
}

napi_value CloseAll(napi_env env, napi_callback_info) {
  StoreSessions::Of(env).CloseAll();
  return nullptr;
}

}  // namespace apogee::addon
