#pragma once

#include <string_view>

#include "base/status.h"
#include "store/dispatch_item.h"
#include "store/multi_dispatch.h"
#include "store/removed_topics.h"

namespace apogee {

// All queues in which a record gets an entry: its own and those named by multi-dispatch, without
// what belonged to a topic that was removed since.
//
// Thread: any.
class DispatchPlaces {
 public:
  DispatchPlaces(const MultiDispatchOptions& options, const RemovedTopics& removed)
      : options_(options), removed_(removed) {}

  // Calls `visit`, which returns Status, with the item as each queue is to see it, the record's own
  // queue first. Not ok ends it.
  template <typename Visitor>
  Status Visit(const DispatchItem& item, Visitor visit) const {
    if (!item.queued) return Status::Ok();
    if (!Removed(item)) APOGEE_RETURN_IF_ERROR(visit(item));
    if (!options_.enabled || item.multi_queues.empty()) return Status::Ok();
    DispatchItem place = item;
    place.extended = false;
    if (options_.lmq_enabled) place.queue_id = 0;
    for (const LmqPlace& queue : LmqPlaces(item.multi_queues, item.multi_queue_offsets)) {
      place.topic = queue.topic;
      place.queue_offset = queue.queue_offset;
      if (!Removed(place)) APOGEE_RETURN_IF_ERROR(visit(place));
    }
    return Status::Ok();
  }

 private:
  bool Removed(const DispatchItem& item) const {
    return removed_.Covers(item.topic, item.entry.physical_offset);
  }

  const MultiDispatchOptions& options_;
  const RemovedTopics& removed_;
};

}  // namespace apogee
