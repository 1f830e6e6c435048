#pragma once

#include <span>

#include "format/message_record.h"
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

  // Whether `record`, which stands at `offset`, is what was stored there. Thread: any.
  bool Passes(PhysicalOffset offset, std::span<const uint8_t> record) const {
    if (quarantine.Holds(offset)) return false;
    if (offset >= unchecked_below) return true;
    const RecordView view = ParseRecord(record, true);
    return view.kind == RecordKind::kMessage && (checksums == nullptr || checksums->Matches(view));
  }
};

}  // namespace apogee
