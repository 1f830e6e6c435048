#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/offsets.h"
#include "base/status.h"
#include "flush/log_flusher.h"
#include "format/consume_queue_entry.h"
#include "format/message_record.h"
#include "io/store_io.h"
#include "store/extension_options.h"
#include "store/multi_dispatch.h"
#include "store/quarantine.h"
#include "store/retention_options.h"

namespace apogee {

// Java's layout under root: commitlog/ consumequeue/TOPIC/QID/ consumequeue_ext/TOPIC/QID/ index/
// checkpoint abort lock config/. Ours beside it, which Java passes over: recovery-point checksums/
// quarantine.json.
struct StoreOptions {
  std::string root;
  std::string commit_log_directory;  // default root/commitlog
  uint32_t segment_bytes = 1u << 30;
  uint32_t consume_queue_file_bytes = 6000000;  // rounded up to a multiple of 20
  uint32_t max_body_bytes = 4u << 20;
  bool index_enabled = true;
  uint32_t index_slots = 5000000;
  uint32_t index_items = 20000000;
  bool check_crc_on_recover = true;
  int64_t verify_behind_bytes = 64 << 20;  // see RecordCheck; INT64_MAX: never
  FlushOptions flush;
  // kStaged and kMapped go with both flush modes, kPool with kAsync only.
  WritePath write_path = WritePath::kAuto;
  uint64_t staging_bytes = 64u << 20;  // see StagingRing::Open
  int64_t staging_wait_ms = 1000;      // how long Append waits while that is full, before kBusy
  bool direct_io = false;              // staged and pool: segments are written past the page cache
  // Messages can be read only when they are on the device. Counts under kSync only.
  bool dispatch_durable_only = true;
  bool warm_segments = false;    // a whole segment is made ready ahead, not only what comes next
  bool recycle_segments = true;  // up to two retired segments are kept, to become new ones
  int64_t consume_queue_flush_interval_ms = 1000;
  HostAddress store_host;
  RetentionOptions retention;
  // Java's delay table: ms per level, index 0 = level 1. Sets the tag code of SCHEDULE_TOPIC_XXXX
  // entries.
  std::vector<int64_t> delay_levels_ms;
  MultiDispatchOptions multi_dispatch;
  ConsumeQueueExtOptions consume_queue_ext;
};

// One message to append. Views live only during Append.
struct AppendRequest {
  TopicHandle topic;
  int32_t queue_id = 0;
  int32_t flag = 0;
  int32_t sys_flag = 0;
  int32_t reconsume_times = 0;
  int64_t born_time_ms = 0;
  int64_t prepared_transaction_offset = 0;
  HostAddress born_host;
  std::span<const uint8_t> body;
  std::span<const uint8_t> properties;  // stored text
  // Messages of one client batch stand in one segment: the first carries the count, the others 0.
  int32_t batch_size = 1;
};

struct AppendResult {
  StatusCode status = StatusCode::kOk;
  PhysicalOffset physical_offset;
  QueueOffset queue_offset;
  int64_t store_time_ms = 0;
  uint32_t size_bytes = 0;
};

// appended >= committed >= flushed; dispatched <= appended. committed: written to a segment, lost
// by the machine's end only. dispatched: queue entries and index below it are readable. prepared:
// by itself, also below appended.
struct Watermarks {
  PhysicalOffset appended;
  PhysicalOffset committed;
  PhysicalOffset flushed;
  PhysicalOffset dispatched;
  PhysicalOffset prepared;  // appends up to there need not wait for memory or blocks
};

enum class PullStatus : uint8_t {  // Java's GetMessageStatus
  kFound,
  kNoMatchedMessage,     // entries scanned, none passed the filter
  kMessageWasRemoving,   // the log no longer has the bytes
  kOffsetFoundNull,      // within bounds but no entry there
  kOffsetOverflowBadly,  // beyond max
  kOffsetOverflowOne,    // exactly max: nothing new yet
  kOffsetTooSmall,       // below min
  kNoMatchedQueue,       // no such queue
  kNoMessageInQueue,     // queue exists, max is 0
  kNotInMemory,          // ours: see PullRequest::may_wait_for_disk
};

// The bits of a consumer group's filter in the bit maps of extension units.
struct FilterBits {
  std::span<const uint32_t> positions;
  uint32_t bit_map_bits = 0;  // a bit map of another size says nothing
  // Nor does one of a message that was appended or stored before the filter was known.
  PhysicalOffset known_from;
  int64_t born_time_ms = 0;
};

struct PullRequest {
  TopicHandle topic;
  int32_t queue_id = 0;
  QueueOffset from;
  int32_t max_count = 32;
  // Filter: pass when empty, or when the entry's tag code is among these (Java String.hashCode,
  // sign-extended). An entry whose extension unit is lost passes.
  std::span<const int32_t> tag_codes;
  // Skips entries whose bit map lacks one of the bits. Null: none is asked.
  const FilterBits* filter_bits = nullptr;
  int64_t max_entries = INT64_MAX;  // most entries looked at, if that is less than Java's bound
  uint32_t max_bytes =
      262144;  // stops after this many, but always gives one record when it fits `into`
  // A record that lies further than this behind the log's end counts as on disk (Java: 40 % of the
  // machine's memory); then these limits hold.
  int64_t memory_window_bytes = INT64_MAX;
  int32_t max_count_on_disk = 8;
  uint32_t max_bytes_on_disk = 65536;
  // False: stops before a record whose pages are not in memory, with kNotInMemory when it would be
  // the first. The caller then has them read by ReadAhead and pulls again.
  bool may_wait_for_disk = true;
};

// One message of a topic.
struct QueuePlace {
  int32_t queue_id = 0;
  QueueOffset offset;
};

struct PullResult {
  PullStatus status = PullStatus::kNoMatchedQueue;
  QueueOffset next_begin;  // where to pull next
  QueueOffset min;
  QueueOffset max;
  int32_t count = 0;
  uint32_t size_bytes = 0;  // bytes copied into `into`
  uint32_t needed_bytes =
      0;  // > into.size() when not even the first record fitted: retry with that much
  int64_t log_behind_bytes =
      0;  // appended minus the last record's offset: Java's "suggest pulling from slave" input
};

struct QueryResult {
  std::vector<PhysicalOffset> offsets;  // newest first, at most the asked number
  int64_t index_last_update_time_ms = 0;
  int64_t index_last_update_physical_offset = 0;
};

struct QueueBounds {
  QueueOffset min;
  QueueOffset max;  // dispatched
};

struct QueueName {
  std::string topic;
  int32_t queue_id;
};

// What opening a large store is busy with.
enum class RecoveryPhase : uint8_t {
  kCheck,     // looking for the log's end; the total is what the files hold at most
  kDispatch,  // holding the log against queues and index
};

struct RecoveryProgress {
  RecoveryPhase phase = RecoveryPhase::kCheck;
  int64_t done_bytes = 0;
  int64_t total_bytes = 0;
};

// What opening found and did.
struct RecoveryReport {
  bool clean = true;               // the store had been closed in order
  PhysicalOffset checked_from;     // records from here on were checked, bodies included
  PhysicalOffset dispatched_from;  // records from here on were held against queues and index
  PhysicalOffset end;              // where the log goes on
  int64_t added_entries = 0;       // queue entries that were missing
  int64_t damaged_ranges = 0;      // quarantined, see quarantine.json
  std::vector<std::string>
      notes;  // one sentence for each thing ignored, cut or lost; at most a few hundred
};

// A record where it stands in the log. `bytes` stay mapped while `pin` is held, also behind Close()
// and after the segment's file was deleted. To be read only: it is the log's own memory.
struct RecordLease {
  std::shared_ptr<const void> pin;
  std::span<const uint8_t> bytes;
};

// Told by engine threads; must not block and must not call back into the store. At most a hint:
// read the state.
struct StoreListener {
  std::function<void()> on_progress;    // committed or flushed moved, or a failure appeared
  std::function<void()> on_dispatched;  // the dispatched watermark moved
  std::function<void()> on_arrival;     // a watched queue has new entries (see Watch)
  std::function<void()> on_read_ahead;  // something asked of ReadAhead is in memory
  // Retention has results to take, or retention() tells of another refusal or clock doubt.
  std::function<void()> on_retention;
  // Opening thread: at the start and end of each phase, and about each 64 MiB or half second.
  std::function<void(const RecoveryProgress&)> on_recovery_progress;
};

// The store: one CommitLog, its queues and index, recovery, and the threads that serve them.
//
// Threads it owns and joins: "flush", "preallocate", "dispatch", "checkpoint", "cold-read",
// "clean". Append* from one appender thread only; everything else from any. Close() is idempotent,
// drains, and is called by the destructor. After a failed sync the store is read-only: appends
// answer kReadOnly and failure() keeps the first cause.
class MessageStore {
 public:
  virtual ~MessageStore() = default;

  // Locks the directory, recovers (blocking, possibly long), starts the threads. kLocked names the
  // file.
  static Status Open(StoreIo& io, const Clock& clock, const StoreOptions& options,
                     StoreListener listener, std::unique_ptr<MessageStore>* store);
  virtual Status Close() = 0;
  virtual const RecoveryReport& recovery() const = 0;  // of this Open

  // A dense handle for a valid topic name (alphabet of Java's TopicValidator, 1 to 127 bytes; also
  // what recovery found on disk). kInvalidArgument otherwise. Same name, same handle.
  virtual Status Intern(std::string_view topic, TopicHandle* handle) = 0;

  // results[i] answers requests[i]; requests of one batch fail together. Under kSync the caller
  // waits for watermarks().flushed >= physical_offset + size_bytes and calls RequestFlush once for
  // the whole group.
  virtual void Append(std::span<const AppendRequest> requests, std::span<AppendResult> results) = 0;
  // Removes the topic's queues with their files. Its messages stay in the log until their time is
  // over, but no queue leads to them; the next one appended has queue offset 0. Appender thread,
  // and quick: it is done, and durable, when TakeRetentionResults has the ticket's result. Undone
  // by a crash or a close before, unless a message was appended to the topic meanwhile; after an
  // error it may be asked for again. Appends to the topic may wait for a small file to be written,
  // and are refused when that is impossible. An unknown topic is no error.
  // kClosed, kReadOnly.
  virtual Status RemoveTopic(std::string_view topic, uint64_t* ticket) = 0;
  virtual void RequestFlush(PhysicalOffset end) = 0;

  virtual Watermarks watermarks() const = 0;
  virtual Status failure() const = 0;  // ok while writable

  virtual PullResult Pull(const PullRequest& request, std::span<uint8_t> into) const = 0;
  // Asks for one on_arrival when the queue's max exceeds `beyond` (at once when it already does).
  // One shot.
  virtual void Watch(TopicHandle topic, int32_t queue_id, QueueOffset beyond) = 0;
  // Whether somebody waits for new entries now: then an append that comes when there was none for
  // half a millisecond costs the waking of a thread, and is dispatched that much earlier. False at
  // first.
  virtual void SetHurry(bool hurry) = 0;
  // Queues whose watch fired since the last call. Returns how many were written to `topics` and
  // `queue_ids`.
  virtual size_t TakeArrivals(std::span<int32_t> topics, std::span<int32_t> queue_ids) = 0;

  // Has what the same Pull would read brought into memory by one of the store's reader threads,
  // then tells by on_read_ahead. False, and nothing happens, when too much is waiting already.
  virtual bool ReadAhead(uint32_t ticket, const PullRequest& request) = 0;
  // The same for one record, and for the records that a query finds.
  virtual bool ReadRecordAhead(uint32_t ticket, PhysicalOffset offset) = 0;
  virtual bool QueryAhead(uint32_t ticket, std::string_view topic, std::string_view key,
                          int32_t max_count, int64_t begin_ms, int64_t end_ms) = 0;
  // The same for what OffsetByTime and StoreTimeAt would look at.
  virtual bool OffsetByTimeAhead(uint32_t ticket, TopicHandle topic, int32_t queue_id,
                                 int64_t store_time_ms) = 0;
  virtual bool StoreTimesAhead(uint32_t ticket, TopicHandle topic,
                               std::vector<QueuePlace> places) = 0;
  // The same for what ReadLog would copy, at most RawLog::kMostAheadBytes, also beyond the segment.
  // What begins there is also looked at, see CopyCheck; TakeDamage gives what was found since its
  // last call.
  virtual bool ReadLogAhead(uint32_t ticket, PhysicalOffset from, size_t bytes) = 0;
  virtual std::vector<DamagedRange> TakeDamage() = 0;
  // Tickets whose reading has ended since the last call. Returns how many were written.
  virtual size_t TakeReadAhead(std::span<uint32_t> tickets) = 0;

  virtual bool Bounds(TopicHandle topic, int32_t queue_id,
                      QueueBounds* bounds) const = 0;  // false: no such queue
  // Copies the queue's entries from `from` on, as many as there are up to the span's size, and
  // returns how many; 0 when `from` is outside the queue's bounds. Addresses into extension files
  // are replaced by the tag codes there; one that leads nowhere stays.
  virtual size_t ReadEntries(TopicHandle topic, int32_t queue_id, QueueOffset from,
                             std::span<ConsumeQueueEntry> into) const = 0;
  // Java's getOffsetInQueueByTime: first offset stored at or after the time, clamped to the queue's
  // bounds.
  virtual QueueOffset OffsetByTime(TopicHandle topic, int32_t queue_id,
                                   int64_t store_time_ms) const = 0;
  // Store time of the message at that offset, -1 when there is none.
  virtual int64_t StoreTimeAt(TopicHandle topic, int32_t queue_id, QueueOffset offset) const = 0;
  virtual int64_t EarliestStoreTime() const = 0;  // of the first record in the log, -1 when empty
  // Copies the whole record at `offset` into `record`. kNotFound when no message starts there.
  virtual Status ReadRecord(PhysicalOffset offset, std::vector<uint8_t>* record) const = 0;
  // Where the log ends for who keeps a copy of it: `flushed` under kSync, so that a copy never has
  // what this store may still lose, else `committed`.
  virtual PhysicalOffset replicable_end() const = 0;
  // Copies the log's bytes from `from` on, as they stand in its file: at most the span's size,
  // never beyond the segment of `from`, never beyond replicable_end(). What stands behind a
  // segment's last record belongs to it. `count`: how many; 0 at that end. kNotFound when `from` is
  // below the log's first byte, kInvalidArgument when it is beyond that end.
  virtual Status ReadLog(PhysicalOffset from, std::span<uint8_t> into, size_t* count) const = 0;
  // As ReadRecord, without the copy.
  virtual Status LeaseRecord(PhysicalOffset offset, RecordLease* lease) const = 0;
  virtual QueryResult QueryByKey(std::string_view topic, std::string_view key, int32_t max_count,
                                 int64_t begin_ms, int64_t end_ms) const = 0;
  virtual PhysicalOffset min_physical_offset() const = 0;
  virtual std::vector<QueueName> Queues() const = 0;

  // How full the disk is, what was deleted, and whether appends are refused for want of space
  // (kNoSpace).
  virtual RetentionStats retention() const = 0;
  virtual RetentionOptions retention_options() const = 0;
  virtual void SetRetention(const RetentionOptions& options) = 0;  // from now on
  // Done on the "clean" thread; the ticket is that of a result. A close leaves requests undone.
  // kInvalidArgument for an invalid topic name, a negative limit or kRemoveTopic, kClosed.
  virtual Status RequestRetention(RetentionRequest request, uint64_t* ticket) = 0;
  virtual std::vector<RetentionResult> TakeRetentionResults() = 0;
  virtual std::map<std::string, TopicRetention> TopicRetentions() const = 0;
};

}  // namespace apogee
