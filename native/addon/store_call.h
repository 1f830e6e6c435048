#pragma once

#include <node_api.h>

#include "addon/arguments.h"
#include "addon/store_session.h"

namespace apogee::addon {

// One call from JavaScript on a store: its arguments, the first of which is the session's id.
//
//   StoreCall call(env, info, 2);
//   int64_t end = 0;
//   if (!call.IsOpen() || !call.arguments().Integer(1, "endOffset", 0, kMaxSafeInteger, &end))
//   return call.Refuse();
class StoreCall {
 public:
  StoreCall(napi_env env, napi_callback_info info, size_t expected_arguments);

  bool IsOpen() const { return store_ != nullptr; }
  Arguments& arguments() { return arguments_; }
  napi_env env() const { return arguments_.env(); }
  StoreSession* session() { return session_; }  // null when the id names none
  MessageStore& store() { return *store_; }     // only when open

  // Arguments that several functions take: a handle that was given out, and a queue id.
  bool Topic(size_t index, TopicHandle* topic);
  bool Queue(size_t topic_index, TopicHandle* topic, int32_t* queue_id);

  // Throws STORE_CLOSED or STORE_INVALID_ARGUMENT for what the readers found. Gives what the
  // callback returns.
  napi_value Refuse();
  napi_value Fail(const Status& status);
  // Throws STORE_CORRUPTION: a number from disk that JavaScript cannot hold exactly.
  napi_value FailUnsafe(const char* what);

  napi_value Number(int64_t value) const;
  // Of a read ahead with the session's next ticket: that ticket, -1 when the engine refused it.
  napi_value Ticket(bool accepted);

 private:
  Arguments arguments_;
  StoreSession* session_ = nullptr;
  MessageStore* store_ = nullptr;
};

}  // namespace apogee::addon
