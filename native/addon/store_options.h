#pragma once

#include <napi.h>

#include <string>

#include "store/message_store.h"

namespace apogee::addon {

// Reads lib/store's StoreOptions. Gives what is wrong with them, empty when nothing is.
std::string ReadStoreOptions(const Napi::Object& from, StoreOptions* options);

// Lays lib/store's RetentionOptions over `options`; the same.
std::string ReadRetentionOptions(const Napi::Object& from, RetentionOptions* options);

}  // namespace apogee::addon
