#pragma once

#include <node_api.h>

#include <array>
#include <string_view>

namespace apogee::addon {

// Cells that readWatermarks writes, all doubles. The names are checked by lib/store when it loads
// the addon.
inline constexpr std::array<std::string_view, 5> kWatermarkColumnNames = {
    "appended", "committed", "flushed", "dispatched", "failed"};

// readWatermarks(id, cells): also while the end of closing is being told.
napi_value ReadWatermarks(napi_env env, napi_callback_info info);
// failure(id): the StoreError that made the store read-only, or undefined. Also while the end of
// closing is being told.
napi_value Failure(napi_env env, napi_callback_info info);
// requestFlush(id, endOffset)
napi_value RequestFlush(napi_env env, napi_callback_info info);
// setWaiting(id, reasons)
napi_value SetWaiting(napi_env env, napi_callback_info info);

}  // namespace apogee::addon
