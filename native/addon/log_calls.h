#pragma once

#include <node_api.h>

namespace apogee::addon {

// earliestStoreTime(id)
napi_value EarliestStoreTime(napi_env env, napi_callback_info info);
// minPhysicalOffset(id)
napi_value MinPhysicalOffset(napi_env env, napi_callback_info info);
// readRecord(id, physicalOffset): a Buffer of its own, or undefined.
napi_value ReadRecord(napi_env env, napi_callback_info info);
// readLog(id, fromOffset, into, intoStart, maxBytes): how many bytes were copied
napi_value ReadLog(napi_env env, napi_callback_info info);
// readLogAhead(id, fromOffset, maxBytes): a ticket, -1 when refused
napi_value ReadLogAhead(napi_env env, napi_callback_info info);
// takeLogDamage(id): { fromOffset, toOffset, reason }[]
napi_value TakeLogDamage(napi_env env, napi_callback_info info);
// queryAhead(id, topic, key, maxCount, beginMs, endMs): a ticket, -1 when refused
napi_value QueryAhead(napi_env env, napi_callback_info info);
// queryByKey(id, topic, key, maxCount, beginMs, endMs)
napi_value QueryByKey(napi_env env, napi_callback_info info);

}  // namespace apogee::addon
