#pragma once

#include <cstdint>
#include <vector>

#include "format/extension_unit.h"
#include "store/dispatch_item.h"
#include "store/extension_options.h"

namespace apogee {

// Makes the extension unit of a queue entry. One thread.
class ExtensionUnits {
 public:
  // `options` outlives it.
  explicit ExtensionUnits(const ConsumeQueueExtOptions& options);

  // Null when the entry has none: extension files are off, or the queue is one of those named by
  // multi-dispatch, for which Java makes none. Good until the next call.
  const ExtensionUnit* Of(const DispatchItem& item);

 private:
  const ConsumeQueueExtOptions& options_;
  std::vector<uint8_t> bit_map_;
  ExtensionUnit unit_;
};

}  // namespace apogee
