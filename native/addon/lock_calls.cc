#include "addon/lock_calls.h"

#include <napi.h>

#include <memory>
#include <string>
#include <utility>

#include "io/store_io.h"

namespace apogee::addon {
namespace {

using HeldLock = std::unique_ptr<FileLock>;

napi_value ThrowStatus(Napi::Env env, const Napi::Function& make_error, const Status& status) {
  const std::string code = "STORE_" + std::string(StatusCodeName(status.code()));
  const Napi::Value error = make_error.Call(
      {Napi::String::New(env, code), Napi::String::New(env, status.ToString()), env.Undefined()});
  if (!error.IsEmpty()) napi_throw(env, error);
  return nullptr;
}

}  // namespace

napi_value LockDirectory(napi_env env, napi_callback_info callback_info) {
  const Napi::CallbackInfo info(env, callback_info);
  if (!info[0].IsString() || !info[1].IsFunction()) {
    napi_throw_type_error(env, "STORE_INVALID_ARGUMENT", "lockDirectory takes a path, a function");
    return nullptr;
  }
  auto held = std::make_unique<HeldLock>();
  const Status locked =
      PosixStoreIo().Lock(info[0].As<Napi::String>().Utf8Value() + "/lock", held.get());
  if (!locked.ok()) return ThrowStatus(env, info[1].As<Napi::Function>(), locked);
  return Napi::External<HeldLock>::New(env, held.release(),
                                       [](Napi::Env, HeldLock* lock) { delete lock; });
}

napi_value UnlockDirectory(napi_env env, napi_callback_info callback_info) {
  const Napi::CallbackInfo info(env, callback_info);
  if (!info[0].IsExternal()) {
    napi_throw_type_error(env, "STORE_INVALID_ARGUMENT", "unlockDirectory takes a token");
    return nullptr;
  }
  info[0].As<Napi::External<HeldLock>>().Data()->reset();
  return nullptr;
}

}  // namespace apogee::addon
