#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/offsets.h"
#include "base/status.h"
#include "format/message_record.h"
#include "log/mapped_file_queue.h"
#include "store/recovery_progress.h"

namespace apogee {

// Where and why a walk over the log's records ended.
struct ScanStop {
  PhysicalOffset at;
  RecordKind kind =
      RecordKind::kEnd;  // kMessage: the limit was reached; kBlank: the last segment's blank
  std::string reason;    // of kDamaged
  int64_t last_store_time_ms = 0;  // of the last record visited, 0 when none
};

struct ScanRange {
  PhysicalOffset from;   // a record's start
  PhysicalOffset limit;  // records at or behind it are not visited
  bool check_crc = false;
  ProgressReporter* progress = nullptr;  // told of bytes behind `from`; null: nobody
};

// Called for each record; views live only during the call. Not ok ends the walk with that status.
using RecordVisitor = std::function<Status(const RecordView&)>;

// Walks the records of the mapped segments, whatever their written positions say. A record that
// claims another position than its own counts as damaged.
Status ScanLog(const MappedFileQueue& segments, const ScanRange& range, const RecordVisitor& visit,
               ScanStop* stop);

// The record at `position` of `segment`; kDamaged when it claims to stand elsewhere, and with
// `check_crc` also when a sector of its topic or properties was never written.
RecordView RecordAt(const MappedFile& segment, uint32_t position, bool check_crc);

// Whether a sector that holds some of the topic or properties of the parsed record, but none of its
// body, reads as zeros: it was never written, and no CRC of the record tells. What is missing of
// the rest shows in the CRC, in the record's own offset, or in lengths that do not add up.
// `position`: of the record in its segment.
bool LacksSector(const RecordView& record, uint32_t position);

// The first undamaged record that starts in (position, limit) of the segment, or -1. What an
// earlier use of the segment's file left there claims another position and is none.
int64_t FindRecordBehind(const MappedFile& segment, uint32_t position, uint32_t limit);

// The segment of the first undamaged record behind `at`, which is told by `found`; null when there
// is none. `searched_bytes` of the own segment are searched, and of each later one as many unless a
// record stands at its start.
std::shared_ptr<MappedFile> FindRecordBehind(const MappedFileQueue& segments, PhysicalOffset at,
                                             int64_t searched_bytes, PhysicalOffset* found);

// Whether a whole 512-byte sector within [from, to) of the segment is zero, or what the sector that
// `from` lies in has behind it: what a page that never reached the device looks like.
bool HasZeroSector(const MappedFile& segment, uint32_t from, uint32_t to);

}  // namespace apogee
