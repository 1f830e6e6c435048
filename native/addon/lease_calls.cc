#include "addon/lease_calls.h"

#include <memory>
#include <utility>

#include "addon/arguments.h"
#include "addon/store_call.h"
#include "addon/store_sessions.h"

namespace apogee::addon {
namespace {

using Pin = std::shared_ptr<const void>;

// Called once, on the thread of the environment, when no ArrayBuffer has the memory any more.
void DropPin(napi_env, void*, void* pin) { delete static_cast<Pin*>(pin); }

}  // namespace

napi_value Lease(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  PhysicalOffset offset;
  if (!call.IsOpen() ||
      !call.arguments().Integer(1, "physicalOffset", 0, kMaxSafeInteger, &offset.value)) {
    return call.Refuse();
  }
  RecordLease lease;
  const Status found = call.store().LeaseRecord(offset, &lease);
  if (found.code() == StatusCode::kNotFound) return nullptr;
  if (!found.ok()) return call.Fail(found);
  auto pin = std::make_unique<Pin>(std::move(lease.pin));
  // Node-API knows no memory that is only read; lib/store says that it is.
  void* const bytes = const_cast<uint8_t*>(lease.bytes.data());
  napi_value array_buffer = nullptr;
  if (napi_create_external_arraybuffer(env, bytes, lease.bytes.size(), DropPin, pin.get(),
                                       &array_buffer) != napi_ok) {
    return call.Fail(Status::Error(StatusCode::kInvalidArgument,
                                   "this runtime takes no memory that is not its own"));
  }
  pin.release();
  return array_buffer;
}

napi_value Detach(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value array_buffer = nullptr;
  if (napi_get_cb_info(env, info, &count, &array_buffer, nullptr, nullptr) != napi_ok)
    return nullptr;
  if (napi_detach_arraybuffer(env, array_buffer) != napi_ok)
    Throw(env, nullptr, "STORE_INVALID_ARGUMENT", "the value is no ArrayBuffer of a lease");
  return nullptr;
}

}  // namespace apogee::addon
