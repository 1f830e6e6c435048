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

}  // namespace

napi_value Pull(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 10);
  Arguments& arguments = call.arguments();
  PullRequest request;
  std::span<int32_t> tag_codes;
  std::span<uint8_t> into;
  std::span<double> cells;
  int64_t max_bytes = 0;
  int64_t start = 0;
  if (!call.IsOpen() || !call.Queue(1, &request.topic, &request.queue_id) ||
      !arguments.Integer(3, "fromQueueOffset", -kMaxSafeInteger, kMaxSafeInteger,
                         &request.from.value) ||
      !arguments.Int32(4, "maxCount", 0, &request.max_count) ||
      !arguments.Int32s(5, "tagCodes", &tag_codes) ||
      !arguments.Integer(6, "maxBytes", 0, UINT32_MAX, &max_bytes) ||
      !arguments.Bytes(7, "into", &into) ||
      !arguments.Integer(8, "intoStart", 0, static_cast<int64_t>(into.size()), &start) ||
      !arguments.Float64s(9, "result", kPullColumnNames.size(), &cells)) {
    return call.Refuse();
  }
  request.tag_codes = tag_codes;
  request.max_bytes = static_cast<uint32_t>(max_bytes);
  const PullResult result = call.store().Pull(request, into.subspan(static_cast<size_t>(start)));
  return WriteCells(result, cells) ? nullptr : call.FailUnsafe("a queue offset");
}

}  // namespace apogee::addon
