#include "addon/pull_call.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include "addon/arguments.h"
#include "addon/store_call.h"
#include "filter/filter_set.h"

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

// Most entries | known from | born time in ms | bits of a bit map | positions; nothing: no filter.
class FilterCells {
 public:
  bool Read(std::span<const double> cells, PullRequest* request) {
    if (cells.empty()) return true;
    const size_t positions = cells.size() - std::min(cells.size(), kHead);
    if (positions == 0 || positions > positions_.size()) return false;
    int64_t bits = 0;
    if (!ToInteger(cells[0], 0, kMaxSafeInteger, &request->max_entries) ||
        !ToInteger(cells[1], 0, kMaxSafeInteger, &bits_.known_from.value) ||
        !ToInteger(cells[2], -kMaxSafeInteger, kMaxSafeInteger, &bits_.born_time_ms) ||
        !ToInteger(cells[3], 1, int64_t{kMaxFilterBitMapBytes} * 8, &bits)) {
      return false;
    }
    for (size_t i = 0; i < positions; ++i) {
      int64_t position = 0;
      if (!ToInteger(cells[kHead + i], 0, bits - 1, &position)) return false;
      positions_[i] = static_cast<uint32_t>(position);
    }
    bits_.bit_map_bits = static_cast<uint32_t>(bits);
    bits_.positions = std::span(positions_).first(positions);
    request->filter_bits = &bits_;
    return true;
  }

 private:
  static constexpr size_t kHead = 4;
  FilterBits bits_;
  std::array<uint32_t, kMaxFilterPositions> positions_;
};

}  // namespace

napi_value Pull(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 12);
  Arguments& arguments = call.arguments();
  PullRequest request;
  std::span<uint8_t> into;
  std::span<double> cells;
  std::span<double> filter_cells;
  int64_t start = 0;
  if (!ReadPullRequest(call, &request) || !arguments.Bytes(7, "into", &into) ||
      !arguments.Integer(8, "intoStart", 0, static_cast<int64_t>(into.size()), &start) ||
      !arguments.Float64s(9, "result", kPullColumnNames.size(), &cells) ||
      !arguments.Boolean(10, "mayWaitForDisk", &request.may_wait_for_disk) ||
      !arguments.Float64s(11, "filterBits", 0, &filter_cells)) {
    return call.Refuse();
  }
  FilterCells filter;
  if (!filter.Read(filter_cells, &request)) {
    arguments.Refuse("filterBits", "bits of a filter");
    return call.Refuse();
  }
  const PullResult result = call.store().Pull(request, into.subspan(static_cast<size_t>(start)));
  return WriteCells(result, cells) ? nullptr : call.FailUnsafe("a queue offset");
}

napi_value SetFilters(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  std::span<uint8_t> bytes;
  if (!call.IsOpen() || !call.arguments().Bytes(1, "filters", &bytes)) return call.Refuse();
  std::shared_ptr<const FilterSet> set;
  const Status parsed = FilterSet::Parse(bytes, &set);
  if (!parsed.ok()) return call.Fail(parsed);
  call.session()->filters().Set(std::move(set));
  // This thread appends: what it appends from here on is dispatched with the new set.
  return call.Number(call.store().watermarks().appended.value);
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

napi_value ReadAhead(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 7);
  PullRequest request;
  if (!ReadPullRequest(call, &request)) return call.Refuse();
  return call.Ticket(call.store().ReadAhead(call.session()->NextTicket(), request));
}

napi_value ReadRecordAhead(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  PhysicalOffset offset;
  if (!call.IsOpen() ||
      !call.arguments().Integer(1, "physicalOffset", 0, kMaxSafeInteger, &offset.value)) {
    return call.Refuse();
  }
  return call.Ticket(call.store().ReadRecordAhead(call.session()->NextTicket(), offset));
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
