#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/dispatch_item.h"
#include "store/dispatch_places.h"
#include "store/extension_units.h"
#include "store/quarantine.h"

namespace apogee {

// Makes the consume queues agree with the log again, record by record in the log's order. Opening
// thread only.
//
// Each queue is judged by its own entries: one that lies there already is compared, one that
// differs goes with all behind it, one that is missing is added. A queue found to lack entries from
// before the scanned range is left alone until the scan is repeated from an earlier record for it.
// An entry whose extension unit is lost or not its own gets it anew, and so do all behind it.
class QueueRepair {
 public:
  // `before_loss`: see ConsumeQueue; told before entries go that only the scan brings back.
  // `quarantine`: entries of records in there stay, so that their queue offsets are not given out
  // again.
  QueueRepair(const CommitLog& log, TopicTable& topics, ConsumeQueueTable& queues,
              const DispatchPlaces& places, ConsumeQueue::BeforeLoss before_loss,
              const Quarantine& quarantine, const ConsumeQueueExtOptions& extension)
      : log_(log),
        topics_(topics),
        queues_(queues),
        places_(places),
        before_loss_(std::move(before_loss)),
        quarantine_(quarantine),
        units_(extension) {}

  // Before the scan: drops what points behind the log's end, and last entries that are not what the
  // log has there. `damaged`: queues known to have lost entries. Entries of records below
  // `durable_below` are taken as they are, those below `units_durable_below` lost no part of an
  // extension unit.
  Status Prepare(PhysicalOffset log_end, PhysicalOffset durable_below,
                 PhysicalOffset units_durable_below, const std::vector<ConsumeQueue*>& damaged);

  // Starts a scan of the records from `from` on. In the last scan a missing record counts as lost:
  // its place is filled.
  void BeginScan(PhysicalOffset from, bool last_scan);
  Status Place(const DispatchItem& item);
  // Drops what the scan has not confirmed.
  Status EndScan();

  // Whether some queues need a scan from an earlier record, and from where at the latest.
  bool NeedsEarlierScan(PhysicalOffset* from) const;

  // Whether the last scan met entries of this queue.
  bool Confirmed(ConsumeQueue* queue) const {
    const auto state = states_.find(queue);
    return state != states_.end() && state->second.confirmed > 0;
  }

  int64_t added() const { return added_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct State {
    int64_t confirmed = 0;    // entries below are as the log says, as far as scanned
    bool incomplete = false;  // needs an earlier scan, from rescan_from
    PhysicalOffset rescan_from;
    int64_t rewrite_next = -1;  // entries from here on get new units; -1: theirs are good so far
  };
  Status PlaceInQueue(const DispatchItem& item, ConsumeQueue* queue, State* state);
  Status PlaceBehindGap(const DispatchItem& item, ConsumeQueue* queue, State* state);
  Status Append(const DispatchItem& item, ConsumeQueue* queue, State* state);
  Status CompareEntry(const DispatchItem& item, ConsumeQueue* queue, State* state, bool* append);
  void FindLostUnits(ConsumeQueue* queue);
  bool UnitAgrees(const DispatchItem& item, const ConsumeQueueEntry& entry,
                  const ConsumeQueue& queue, const ExtensionUnit* expected) const;
  Status CheckUnit(const DispatchItem& item, const ConsumeQueueEntry& entry, ConsumeQueue* queue,
                   State* state);
  bool Stays(const ConsumeQueueEntry& entry) const {
    return entry != kFillEntry &&
           (entry.physical_offset < scan_from_ || quarantine_.Holds(entry.physical_offset));
  }
  bool MatchesLog(const ConsumeQueue& queue, QueueOffset offset,
                  const ConsumeQueueEntry& entry) const;
  Status CutForScan(ConsumeQueue* queue, QueueOffset offset);
  void Incomplete(ConsumeQueue* queue);
  void Note(std::string text);

  const CommitLog& log_;
  TopicTable& topics_;
  ConsumeQueueTable& queues_;
  const DispatchPlaces& places_;
  const ConsumeQueue::BeforeLoss before_loss_;
  const Quarantine& quarantine_;
  ExtensionUnits units_;
  PhysicalOffset units_durable_below_;
  bool told_loss_ = false;
  PhysicalOffset scan_from_;
  bool last_scan_ = false;
  std::unordered_map<ConsumeQueue*, State> states_;
  int64_t added_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace apogee
