// The addon: the only part of native/ that knows Node. Numbers and ranges of memory go in and out,
// one call per batch; what the functions mean is documented at lib/store/native-addon.ts.

#include <napi.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "addon/append_call.h"
#include "addon/lease_calls.h"
#include "addon/lifecycle_calls.h"
#include "addon/lock_calls.h"
#include "addon/log_calls.h"
#include "addon/pull_call.h"
#include "addon/queue_calls.h"
#include "addon/retention_calls.h"
#include "addon/store_sessions.h"
#include "addon/watermark_calls.h"
#include "base/status.h"

namespace apogee::addon {
namespace {

constexpr std::pair<const char*, napi_callback> kFunctions[] = {
    {"open", Open},
    {"recovery", Recovery},
    {"recoveryProgress", RecoveryProgressOf},
    {"close", Close},
    {"closeAll", CloseAll},
    {"append", Append},
    {"requestFlush", RequestFlush},
    {"setWaiting", SetWaiting},
    {"readWatermarks", ReadWatermarks},
    {"failure", Failure},
    {"pull", Pull},
    {"watch", Watch},
    {"setHurry", SetHurry},
    {"takeArrivals", TakeArrivals},
    {"bounds", Bounds},
    {"topic", Topic},
    {"offsetByTime", OffsetByTime},
    {"storeTimeAt", StoreTimeAt},
    {"offsetByTimeAhead", OffsetByTimeAhead},
    {"storeTimesAhead", StoreTimesAhead},
    {"queues", Queues},
    {"removeTopic", RemoveTopic},
    {"queueEntries", ReadQueueEntries},
    {"earliestStoreTime", EarliestStoreTime},
    {"minPhysicalOffset", MinPhysicalOffset},
    {"readRecord", ReadRecord},
    {"readLog", ReadLog},
    {"queryByKey", QueryByKey},
    {"setFilters", SetFilters},
    {"setReadLimits", SetReadLimits},
    {"readAhead", ReadAhead},
    {"readRecordAhead", ReadRecordAhead},
    {"queryAhead", QueryAhead},
    {"readLogAhead", ReadLogAhead},
    {"takeLogDamage", TakeLogDamage},
    {"takeReadAhead", TakeReadAhead},
    {"lockDirectory", LockDirectory},
    {"unlockDirectory", UnlockDirectory},
    {"retention", ReadRetention},
    {"setRetention", SetRetention},
    {"requestRetention", RequestRetention},
    {"takeRetentionResults", TakeRetentionResults},
    {"topicRetentions", TopicRetentions},
    {"lease", Lease},
    {"detach", Detach},
};

// In the order of apogee::PullStatus.
constexpr std::array<std::string_view, 10> kPullStatusNames = {
    "FOUND",
    "NO_MATCHED_MESSAGE",
    "MESSAGE_WAS_REMOVING",
    "OFFSET_FOUND_NULL",
    "OFFSET_OVERFLOW_BADLY",
    "OFFSET_OVERFLOW_ONE",
    "OFFSET_TOO_SMALL",
    "NO_MATCHED_QUEUE",
    "NO_MESSAGE_IN_QUEUE",
    "NOT_IN_MEMORY",
};
static_assert(static_cast<size_t>(PullStatus::kNotInMemory) + 1 == kPullStatusNames.size());

std::vector<std::string_view> StatusNames() {
  std::vector<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(kLastStatusCode); code++) {
    names.push_back(StatusCodeName(static_cast<StatusCode>(code)));
  }
  return names;
}

Napi::Array Names(Napi::Env env, std::span<const std::string_view> names) {
  Napi::Array array = Napi::Array::New(env, names.size());
  for (uint32_t i = 0; i < names.size(); i++) array.Set(i, std::string(names[i]));
  return array;
}

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  if (!StoreSessions::Attach(env)) {
    napi_throw_error(env, "STORE_CLOSED", "this thread is ending: the store cannot be loaded");
    return exports;
  }
  for (const auto& [name, callback] : kFunctions) {
    napi_value function = nullptr;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) != napi_ok)
      return exports;
    exports.Set(name, function);
  }
  exports.Set("statusNames", Names(env, StatusNames()));
  exports.Set("pullStatusNames", Names(env, kPullStatusNames));
  exports.Set("appendRowColumns", Names(env, kAppendColumnNames));
  exports.Set("pullResultColumns", Names(env, kPullColumnNames));
  exports.Set("watermarkColumns", Names(env, kWatermarkColumnNames));
  return exports;
}

}  // namespace
}  // namespace apogee::addon

using apogee::addon::Initialize;
NODE_API_MODULE(apogee_store, Initialize)
