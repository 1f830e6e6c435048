#include "addon/store_sessions.h"

#include <string>
#include <utility>

namespace apogee::addon {

bool StoreSessions::Attach(napi_env env) {
  auto* sessions = new StoreSessions;
  const auto free_sessions = [](napi_env, void* data, void*) {
    delete static_cast<StoreSessions*>(data);
  };
  if (napi_set_instance_data(env, sessions, free_sessions, nullptr) == napi_ok) return true;
  delete sessions;
  return false;
}

StoreSessions& StoreSessions::Of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<StoreSessions*>(data);
}

uint32_t StoreSessions::Open(napi_env env, StoreOptions options, napi_ref on_wake,
                             napi_ref make_error) {
  const uint32_t id = ++last_id_;
  auto session = StoreSession::Start(env, *this, id, std::move(options), on_wake, make_error);
  if (session == nullptr) return 0;
  sessions_.emplace(id, std::move(session));
  return id;
}

StoreSession* StoreSessions::Find(uint32_t id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

void StoreSessions::Remove(uint32_t id) {
  // Taken out first: the session's destructor must not find itself here.
  auto node = sessions_.extract(id);
}

void StoreSessions::CloseAll() {
  std::erase_if(sessions_, [](const auto& entry) { return !entry.second->is_opening(); });
}

void Throw(napi_env env, const StoreSession* session, std::string_view code,
           std::string_view message) {
  if (session == nullptr) {
    napi_throw_error(env, std::string(code).c_str(), std::string(message).c_str());
    return;
  }
  napi_value error = session->MakeError(code, message);
  // Null: JavaScript is ending, or the factory threw and that exception is pending already.
  if (error != nullptr) napi_throw(env, error);
}

void Throw(napi_env env, const StoreSession* session, const Status& status) {
  Throw(env, session, "STORE_" + std::string(StatusCodeName(status.code())), status.ToString());
}

}  // namespace apogee::addon
