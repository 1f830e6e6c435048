#pragma once

#include <node_api.h>

namespace apogee::addon {

// lease(id, physicalOffset): the record's own bytes as an ArrayBuffer, or undefined. The mapping is
// pinned until that memory is given up: by detach, by the garbage collector or by the end of the
// thread, whichever is first. It may outlive the store.
napi_value Lease(napi_env env, napi_callback_info info);
// detach(arrayBuffer): takes the memory away from JavaScript. Nothing to do when it is gone.
napi_value Detach(napi_env env, napi_callback_info info);

}  // namespace apogee::addon
