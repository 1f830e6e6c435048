#pragma once

#include <node_api.h>

#include <array>
#include <string_view>

namespace apogee::addon {

// Cells that pull writes, all doubles. The names are checked by lib/store when it loads the addon.
inline constexpr std::array<std::string_view, 8> kPullColumnNames = {
    "status", "nextBeginOffset", "minOffset",   "maxOffset",
    "count",  "sizeBytes",       "neededBytes", "logBehindBytes",
};

// pull(id, topic, queueId, from, maxCount, tagCodes, maxBytes, into, intoStart, cells,
// mayWaitForDisk, filterBits)
napi_value Pull(napi_env env, napi_callback_info info);
// setFilters(id, bytes): where the log ends; bit maps of what is appended from there on are made
// with these filters
napi_value SetFilters(napi_env env, napi_callback_info info);
// setReadLimits(id, memoryWindowBytes, maxCountOnDisk, maxBytesOnDisk)
napi_value SetReadLimits(napi_env env, napi_callback_info info);
// readAhead(id, topic, queueId, from, maxCount, tagCodes, maxBytes): a ticket, -1 when refused
napi_value ReadAhead(napi_env env, napi_callback_info info);
// readRecordAhead(id, physicalOffset): a ticket, -1 when refused
napi_value ReadRecordAhead(napi_env env, napi_callback_info info);
// takeReadAhead(id, tickets): how many tickets were written
napi_value TakeReadAhead(napi_env env, napi_callback_info info);

}  // namespace apogee::addon
