#include "addon/store_call.h"

#include <string>

#include "addon/store_sessions.h"

namespace apogee::addon {

StoreCall::StoreCall(napi_env env, napi_callback_info info, size_t expected_arguments)
    : arguments_(env, info, expected_arguments) {
  int64_t id = 0;
  if (!arguments_.Integer(0, "id", 0, UINT32_MAX, &id)) return;
  session_ = StoreSessions::Of(env).Find(static_cast<uint32_t>(id));
  if (session_ != nullptr) store_ = session_->store();
}

bool StoreCall::Topic(size_t index, TopicHandle* topic) {
  if (!arguments_.Int32(index, "topic", 0, &topic->value)) return false;
  return topic->value <= session_->highest_handle() ||
         arguments_.Refuse("topic", "a handle of this store");
}

bool StoreCall::Queue(size_t topic_index, TopicHandle* topic, int32_t* queue_id) {
  return Topic(topic_index, topic) && arguments_.Int32(topic_index + 1, "queueId", 0, queue_id);
}

napi_value StoreCall::Refuse() {
  if (!arguments_.problem().empty()) {
    Throw(env(), session_, "STORE_INVALID_ARGUMENT", arguments_.problem());
  } else {
    Throw(env(), session_, "STORE_CLOSED", "the store is closed");
  }
  return nullptr;
}

napi_value StoreCall::Fail(const Status& status) {
  Throw(env(), session_, status);
  return nullptr;
}

napi_value StoreCall::FailUnsafe(const char* what) {
  Throw(env(), session_, "STORE_CORRUPTION", std::string(what) + " is beyond 2^53");
  return nullptr;
}

napi_value StoreCall::Ticket(bool accepted) {
  if (!accepted) return Number(-1);
  const uint32_t ticket = session_->NextTicket();
  session_->NoteReadAhead();
  return Number(ticket);
}

napi_value StoreCall::Number(int64_t value) const {
  napi_value number = nullptr;
  napi_create_double(env(), static_cast<double>(value), &number);
  return number;
}

}  // namespace apogee::addon
