#include "addon/pull_call.h"

#include <span>

#include "addon/arguments.h"
#include "addon/store_call.h"

namespace apogee::addon {
namespace {

bool IsSafe(int64_t value) { return value >= -kMaxSafeInteger && value <= kMaxSafeInteger; }

bool WriteCells(const PullResult& result, std::span<double> cells) {
  const int64_t values[kPullColumnNames.size()] = {
      static_cast<int64_t>(result.status),
      result.next_begin.value,
      result.min.value,
      result.max.value,
      result.count,
      result.size_bytes,
      result.needed_bytes,
      result.log_behind_bytes,
  };
  for (size_t i = 0; i < kPullColumnNames.size(); i++) {
    if (!IsSafe(values[i])) return false;
    cells[i] = static_cast<double>(values[i]);
  }
  return true;
}

// (id, topic, queueId, from, maxCount, tagCodes, maxBytes, ...): the part both calls begin with.
bool ReadPullRequest(StoreCall& call, PullRequest* request) {
  Arguments& arguments = call.arguments();
  std::span<int32_t> tag_codes;
  int64_t max_bytes = 0;
  if (!call.IsOpen() || !call.Queue(1, &request->topic, &request->queue_id) ||
      !arguments.Integer(3, "fromQueueOffset", -kMaxSafeInteger, kMaxSafeInteger,
                         &request->from.value) ||
      !arguments.Int32(4, "maxCount", 0, &request->max_count) ||
      !arguments.Int32s(5, "tagCodes", &tag_codes) ||
      !arguments.Integer(6, "maxBytes", 0, UINT32_MAX, &max_bytes)) {
    return false;
  }
  request->tag_codes = tag_codes;
  request->max_bytes = static_cast<uint32_t>(max_bytes);
  const ReadLimits& limits = call.session()->read_limits();
  request->memory_window_bytes = limits.memory_window_bytes;
  request->max_count_on_disk = limits.max_count_on_disk;
  request->max_bytes_on_disk = limits.max_bytes_on_disk;
  return true;
}

}  // namespace

napi_value Pull(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 11);
  Arguments& arguments = call.arguments();
  PullRequest request;
  std::span<uint8_t> into;
  std::span<double> cells;
  int64_t start = 0;
  if (!ReadPullRequest(call, &request) || !arguments.Bytes(7, "into", &into) ||
      !arguments.Integer(8, "intoStart", 0, static_cast<int64_t>(into.size()), &start) ||
      !arguments.Float64s(9, "result", kPullColumnNames.size(), &cells) ||
      !arguments.Boolean(10, "mayWaitForDisk", &request.may_wait_for_disk)) {
    return call.Refuse();
  }
  const PullResult result = call.store().Pull(request, into.subspan(static_cast<size_t>(start)));
  return WriteCells(result, cells) ? nullptr : call.FailUnsafe("a queue offset");
}

napi_value SetReadLimits(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 4);
  Arguments& arguments = call.arguments();
  ReadLimits limits;
  int64_t max_bytes = 0;
  if (!call.IsOpen() ||
      !arguments.Integer(1, "memoryWindowBytes", 0, kMaxSafeInteger, &limits.memory_window_bytes) ||
      !arguments.Int32(2, "maxCountOnDisk", 1, &limits.max_count_on_disk) ||
      !arguments.Integer(3, "maxBytesOnDisk", 1, UINT32_MAX, &max_bytes)) {
    return call.Refuse();
  }
  limits.max_bytes_on_disk = static_cast<uint32_t>(max_bytes);
  call.session()->read_limits() = limits;
  return nullptr;
}

namespace {

// Gives the ticket, or -1 when the engine has enough to read.
napi_value Ticket(StoreCall& call, bool accepted) {
  if (!accepted) return call.Number(-1);
  const uint32_t ticket = call.session()->NextTicket();
  call.session()->NoteReadAhead();
  return call.Number(ticket);
}

}  // namespace

napi_value ReadAhead(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 7);
  PullRequest request;
  if (!ReadPullRequest(call, &request)) return call.Refuse();
  return Ticket(call, call.store().ReadAhead(call.session()->NextTicket(), request));
}

napi_value ReadRecordAhead(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  PhysicalOffset offset;
  if (!call.IsOpen() ||
      !call.arguments().Integer(1, "physicalOffset", 0, kMaxSafeInteger, &offset.value)) {
    return call.Refuse();
  }
  return Ticket(call, call.store().ReadRecordAhead(call.session()->NextTicket(), offset));
}

napi_value TakeReadAhead(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  std::span<uint32_t> tickets;
  if (!call.IsOpen() || !call.arguments().Uint32s(1, "tickets", &tickets)) return call.Refuse();
  const size_t count = call.store().TakeReadAhead(tickets);
  call.session()->NoteTaken(count);
  return call.Number(static_cast<int64_t>(count));
}

}  // namespace apogee::addon
