#pragma once

#include <node_api.h>

#include <array>
#include <string_view>

namespace apogee::addon {

// Cells of one row of an append batch, all doubles. The names are checked by lib/store when it
// loads the addon.
enum AppendColumn : size_t {
  kTopicCell,
  kQueueIdCell,
  kFlagCell,
  kSysFlagCell,
  kReconsumeTimesCell,
  kBornTimestampCell,
  kPreparedTransactionOffsetCell,
  kBornHostStartCell,
  kBornHostBytesCell,
  kBornPortCell,
  kBodyStartCell,
  kBodyBytesCell,
  kPropertiesStartCell,
  kPropertiesBytesCell,
  kBatchSizeCell,
  kStatusCell,  // from here on written by append
  kPhysicalOffsetCell,
  kQueueOffsetCell,
  kStoreTimestampCell,
  kSizeCell,
  kAppendColumns,
};

inline constexpr std::array<std::string_view, kAppendColumns> kAppendColumnNames = {
    "topic",
    "queueId",
    "flag",
    "sysFlag",
    "reconsumeTimes",
    "bornTimestampMs",
    "preparedTransactionOffset",
    "bornHostStart",
    "bornHostBytes",
    "bornPort",
    "bodyStart",
    "bodyBytes",
    "propertiesStart",
    "propertiesBytes",
    "batchSize",
    "status",
    "physicalOffset",
    "queueOffset",
    "storeTimestampMs",
    "sizeBytes",
};

inline constexpr int64_t kMaxAppendRows = 65536;

// append(id, cells, count, body, aux): appends the rows and writes their results into the cells.
// Returns the end of the last record appended, -1 when there is none. A row with a wrong value gets
// kInvalidArgument, and so do the other rows of its client batch; nothing of them is read or
// appended.
napi_value Append(napi_env env, napi_callback_info info);

}  // namespace apogee::addon
