#pragma once

#include <span>

#include "format/message_record.h"
#include "store/log_scan.h"
#include "store/quarantine.h"
#include "store/record_checksums.h"

namespace apogee {

// What is verified of a record before it is given to anybody. Set up by the opening thread, then
// constant.
struct RecordCheck {
  // Recovery has verified bodies from here on; those below are verified at each reading, and so are
  // the checksums of what no body's CRC covers.
  PhysicalOffset unchecked_below;
  const RecordChecksums* checksums = nullptr;  // null: none
  Quarantine quarantine;
  uint32_t segment_bytes = 0;
  // Bodies of this opening are verified once so many bytes stand behind them: by then they may come
  // from the device.
  int64_t verify_behind_bytes = 0;

  // Whether `record`, which stands at `offset` of a log that ends at `appended`, is what was stored
  // there. Thread: any.
  bool Passes(PhysicalOffset offset, std::span<const uint8_t> record,
              PhysicalOffset appended) const {
    if (quarantine.Holds(offset)) return false;
    if (offset >= unchecked_below) {
      return appended - offset <= verify_behind_bytes ||
             ParseRecord(record, true).kind == RecordKind::kMessage;
    }
    const RecordView view = ParseRecord(record, true);
    if (view.kind != RecordKind::kMessage) return false;
    if (LacksSector(view, static_cast<uint32_t>(offset.value % segment_bytes))) return false;
    return checksums == nullptr || checksums->Matches(view);
  }
};

}  // namespace apogee
