#pragma once

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "addon/store_session.h"
#include "base/status.h"

namespace apogee::addon {

// Every store that one JavaScript environment (the main thread or a worker) has open. Instance data
// of the addon. Thread: the environment's.
class StoreSessions {
 public:
  // Attaches a new one to the environment, which frees it at its end.
  static bool Attach(napi_env env);
  static StoreSessions& Of(napi_env env);

  // Starts opening and gives the session's id; 0 when the environment refuses. Takes both
  // references.
  uint32_t Open(napi_env env, StoreOptions options, napi_ref on_wake, napi_ref make_error);
  // Null when there is no such session. Ids are never used again.
  StoreSession* Find(uint32_t id) const;
  void Remove(uint32_t id);
  // Closes what is open and waits for what is closing. Their listeners are not told.
  void CloseAll();

 private:
  std::unordered_map<uint32_t, std::unique_ptr<StoreSession>> sessions_;
  uint32_t last_id_ = 0;
};

// Throws into JavaScript: a StoreError made by the session, or an Error with the code when there is
// no session.
void Throw(napi_env env, const StoreSession* session, std::string_view code,
           std::string_view message);
void Throw(napi_env env, const StoreSession* session, const Status& status);

}  // namespace apogee::addon
