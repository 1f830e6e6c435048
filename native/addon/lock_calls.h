#pragma once

#include <node_api.h>

namespace apogee::addon {

// lockDirectory(rootDir, makeError): takes the lock that an open store holds on its directory, and
// returns a token. Throws STORE_LOCKED when another process or a store of this one has it.
napi_value LockDirectory(napi_env env, napi_callback_info info);
// unlockDirectory(token): gives the lock back; nothing when that was done. A token that is
// collected gives it back as well.
napi_value UnlockDirectory(napi_env env, napi_callback_info info);

}  // namespace apogee::addon
