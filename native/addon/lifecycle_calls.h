#pragma once

#include <node_api.h>

namespace apogee::addon {

// open(options, onWake, makeError): starts opening and returns the session's id; its end is told
// through onWake.
napi_value Open(napi_env env, napi_callback_info info);
// recovery(id): what opening found and did.
napi_value Recovery(napi_env env, napi_callback_info info);
// (id, cells): phase (0 check, 1 dispatch), bytes done, bytes in all. Also while opening.
napi_value RecoveryProgressOf(napi_env env, napi_callback_info info);
// close(id): starts closing; its end is told through onWake, which is the last use of the id.
napi_value Close(napi_env env, napi_callback_info info);
// closeAll(): closes every store of this thread before it returns; for the end of the process.
// Nobody is told.
napi_value CloseAll(napi_env env, napi_callback_info info);

}  // namespace apogee::addon
