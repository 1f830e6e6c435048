#include "addon/append_call.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "addon/arguments.h"
#include "addon/store_call.h"
#include "addon/store_session.h"

namespace apogee::addon {
namespace {

// Whether the cells `start` and `start + 1` are a range within `bytes`; then also gives it.
bool Range(const double* row, size_t start_cell, std::span<uint8_t> bytes,
           std::span<const uint8_t>* range) {
  const auto size = static_cast<int64_t>(bytes.size());
  int64_t start = 0;
  int64_t count = 0;
  if (!ToInteger(row[start_cell], 0, size, &start)) return false;
  if (!ToInteger(row[start_cell + 1], 0, size - start, &count)) return false;
  *range = bytes.subspan(static_cast<size_t>(start), static_cast<size_t>(count));
  return true;
}

bool Int32(double cell, int64_t min, int64_t max, int32_t* value) {
  int64_t wide = 0;
  if (!ToInteger(cell, min, max, &wide)) return false;
  *value = static_cast<int32_t>(wide);
  return true;
}

// The rows of one append call: reads them into requests, lets the engine append, writes the results
// back.
class AppendRows {
 public:
  AppendRows(StoreSession& session, double* cells, uint32_t count, std::span<uint8_t> body,
             std::span<uint8_t> aux)
      : scratch_(session.scratch()),
        highest_handle_(session.highest_handle()),
        cells_(cells),
        count_(count),
        body_(body),
        aux_(aux) {
    scratch_.requests.clear();
    scratch_.rows.clear();
  }

  void Read() {
    for (uint32_t first = 0; first < count_;) first = ReadClientBatch(first);
  }

  int64_t AppendTo(MessageStore& store) {
    const size_t count = scratch_.requests.size();
    if (count == 0) return -1;
    scratch_.results.assign(count, AppendResult{});
    store.Append(scratch_.requests, scratch_.results);
    int64_t end = -1;
    for (size_t i = 0; i < count; i++)
      end = std::max(end, WriteResult(scratch_.rows[i], scratch_.results[i]));
    // The views end with this call.
    scratch_.requests.clear();
    return end;
  }

 private:
  double* Row(uint32_t row) { return cells_ + size_t{row} * kAppendColumns; }

  // Reads the message or client batch that starts at `first` and gives the row behind it. All or
  // none of its rows become requests.
  uint32_t ReadClientBatch(uint32_t first) {
    int64_t size = 0;
    if (!ToInteger(Row(first)[kBatchSizeCell], 1, count_ - first, &size)) {
      WriteRefusal(first);
      return first + 1;
    }
    const uint32_t behind = first + static_cast<uint32_t>(size);
    const size_t requests_before = scratch_.requests.size();
    bool valid = true;
    for (uint32_t row = first; row < behind && valid; row++) valid = ReadRow(row, row == first);
    if (valid) return behind;
    scratch_.requests.resize(requests_before);
    scratch_.rows.resize(requests_before);
    for (uint32_t row = first; row < behind; row++) WriteRefusal(row);
    return behind;
  }

  bool ReadRow(uint32_t index, bool starts_batch) {
    const double* row = Row(index);
    AppendRequest& request = scratch_.requests.emplace_back();
    scratch_.rows.push_back(index);
    return Int32(row[kTopicCell], 0, highest_handle_, &request.topic.value) &&
           Int32(row[kQueueIdCell], 0, INT32_MAX, &request.queue_id) &&
           Int32(row[kFlagCell], INT32_MIN, INT32_MAX, &request.flag) &&
           Int32(row[kSysFlagCell], INT32_MIN, INT32_MAX, &request.sys_flag) &&
           Int32(row[kReconsumeTimesCell], INT32_MIN, INT32_MAX, &request.reconsume_times) &&
           ToInteger(row[kBornTimestampCell], -kMaxSafeInteger, kMaxSafeInteger,
                     &request.born_time_ms) &&
           ToInteger(row[kPreparedTransactionOffsetCell], -kMaxSafeInteger, kMaxSafeInteger,
                     &request.prepared_transaction_offset) &&
           ReadBornHost(row, &request.born_host) &&
           Range(row, kBodyStartCell, body_, &request.body) &&
           Range(row, kPropertiesStartCell, aux_, &request.properties) &&
           Int32(row[kBatchSizeCell], starts_batch ? 1 : 0, starts_batch ? kMaxAppendRows : 0,
                 &request.batch_size);
  }

  bool ReadBornHost(const double* row, HostAddress* host) {
    std::span<const uint8_t> address;
    if (!Range(row, kBornHostStartCell, aux_, &address)) return false;
    if (address.size() != 4 && address.size() != 16) return false;
    std::memcpy(host->address, address.data(), address.size());
    host->address_bytes = static_cast<uint8_t>(address.size());
    return Int32(row[kBornPortCell], 0, 65535, &host->port);
  }

  void WriteRefusal(uint32_t row) {
    AppendResult refusal;
    refusal.status = StatusCode::kInvalidArgument;
    WriteResult(row, refusal);
  }

  // Gives the end of the record, -1 when it was not appended.
  int64_t WriteResult(uint32_t index, const AppendResult& result) {
    double* row = Row(index);
    const bool appended = result.status == StatusCode::kOk;
    row[kStatusCell] = static_cast<double>(result.status);
    row[kPhysicalOffsetCell] = appended ? static_cast<double>(result.physical_offset.value) : -1;
    row[kQueueOffsetCell] = appended ? static_cast<double>(result.queue_offset.value) : -1;
    row[kStoreTimestampCell] = appended ? static_cast<double>(result.store_time_ms) : -1;
    row[kSizeCell] = appended ? result.size_bytes : 0;
    return appended ? result.physical_offset.value + result.size_bytes : -1;
  }

  AppendScratch& scratch_;
  const int32_t highest_handle_;
  double* const cells_;
  const uint32_t count_;
  const std::span<uint8_t> body_;
  const std::span<uint8_t> aux_;
};

}  // namespace

napi_value Append(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 5);
  Arguments& arguments = call.arguments();
  std::span<double> cells;
  std::span<uint8_t> body;
  std::span<uint8_t> aux;
  int64_t count = 0;
  if (!call.IsOpen() || !arguments.Integer(2, "count", 0, kMaxAppendRows, &count) ||
      !arguments.Float64s(1, "cells", static_cast<size_t>(count) * kAppendColumns, &cells) ||
      !arguments.Bytes(3, "body", &body) || !arguments.Bytes(4, "aux", &aux)) {
    return call.Refuse();
  }
  AppendRows rows(*call.session(), cells.data(), static_cast<uint32_t>(count), body, aux);
  rows.Read();
  return call.Number(rows.AppendTo(call.store()));
}

}  // namespace apogee::addon
