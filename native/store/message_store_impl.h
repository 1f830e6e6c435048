#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "index/index_service.h"
#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/append_path.h"
#include "store/arrivals.h"
#include "store/checkpoint.h"
#include "store/checkpointer.h"
#include "store/copy_check.h"
#include "store/dispatch_places.h"
#include "store/dispatcher.h"
#include "store/failure.h"
#include "store/message_store.h"
#include "store/raw_log.h"
#include "store/read_ahead.h"
#include "store/read_path.h"
#include "store/record_checksums.h"
#include "store/recovery.h"
#include "store/recovery_point_file.h"
#include "store/removed_topics.h"
#include "store/retention.h"
#include "store/space_guard.h"

namespace apogee {

// Composes the parts of an open store; what a part does is said there.
class MessageStoreImpl final : public MessageStore {
 public:
  MessageStoreImpl(StoreIo& io, const Clock& clock, const StoreOptions& options,
                   StoreListener listener);
  ~MessageStoreImpl() override;

  // Once. When it fails the object is only good for destruction.
  Status Start();

  Status Close() override;
  const RecoveryReport& recovery() const override { return report_; }
  Status Intern(std::string_view topic, TopicHandle* handle) override {
    return topics_.Intern(topic, handle);
  }
  void Append(std::span<const AppendRequest> requests, std::span<AppendResult> results) override;
  Status RemoveTopic(std::string_view topic, uint64_t* ticket) override;
  void RequestFlush(PhysicalOffset end) override;
  Watermarks watermarks() const override;
  Status failure() const override { return failure_.status(); }
  PullResult Pull(const PullRequest& request, std::span<uint8_t> into) const override;
  void Watch(TopicHandle topic, int32_t queue_id, QueueOffset beyond) override;
  void SetHurry(bool hurry) override;
  size_t TakeArrivals(std::span<int32_t> topics, std::span<int32_t> queue_ids) override;
  bool ReadAhead(uint32_t ticket, const PullRequest& request) override;
  bool ReadRecordAhead(uint32_t ticket, PhysicalOffset offset) override;
  bool QueryAhead(uint32_t ticket, std::string_view topic, std::string_view key, int32_t max_count,
                  int64_t begin_ms, int64_t end_ms) override;
  bool OffsetByTimeAhead(uint32_t ticket, TopicHandle topic, int32_t queue_id,
                         int64_t store_time_ms) override;
  bool StoreTimesAhead(uint32_t ticket, TopicHandle topic, std::vector<QueuePlace> places) override;
  std::vector<DamagedRange> TakeDamage() override { return copy_check_.Take(); }
  bool ReadLogAhead(uint32_t ticket, PhysicalOffset from, size_t bytes) override;
  size_t TakeReadAhead(std::span<uint32_t> tickets) override {
    return read_ahead_.TakeDone(tickets);
  }
  bool Bounds(TopicHandle topic, int32_t queue_id, QueueBounds* bounds) const override;
  size_t ReadEntries(TopicHandle topic, int32_t queue_id, QueueOffset from,
                     std::span<ConsumeQueueEntry> into) const override;
  QueueOffset OffsetByTime(TopicHandle topic, int32_t queue_id,
                           int64_t store_time_ms) const override;
  int64_t StoreTimeAt(TopicHandle topic, int32_t queue_id, QueueOffset offset) const override;
  int64_t EarliestStoreTime() const override { return reads_.EarliestStoreTime(); }
  Status ReadRecord(PhysicalOffset offset, std::vector<uint8_t>* record) const override;
  PhysicalOffset replicable_end() const override { return raw_log_.end(); }
  Status ReadLog(PhysicalOffset from, std::span<uint8_t> into, size_t* count) const override {
    return raw_log_.Read(from, into, count);
  }
  Status LeaseRecord(PhysicalOffset offset, RecordLease* lease) const override;
  QueryResult QueryByKey(std::string_view topic, std::string_view key, int32_t max_count,
                         int64_t begin_ms, int64_t end_ms) const override;
  PhysicalOffset min_physical_offset() const override { return log_.min_offset(); }
  std::vector<QueueName> Queues() const override;
  RetentionStats retention() const override { return retention_->stats(); }
  RetentionOptions retention_options() const override { return retention_->options(); }
  void SetRetention(const RetentionOptions& options) override { retention_->SetOptions(options); }
  Status RequestRetention(RetentionRequest request, uint64_t* ticket) override;
  std::vector<RetentionResult> TakeRetentionResults() override { return retention_->TakeResults(); }
  std::map<std::string, TopicRetention> TopicRetentions() const override {
    return retention_->topics();
  }

 private:
  Status OpenDirectory();
  Status Recover(bool clean, Dispatcher::Position* position);
  void OpenRecoveryPoint();
  void KeepQuarantine(const Quarantine& quarantine);
  Status PromiseUntil(int64_t store_time_ms);
  Status FinishRemovals();
  void FinishRemovalsUnderWay();
  Status CreateAbortFile();
  void CheckDirectIo();
  void MakeReadable();
  void StartThreads(const Dispatcher::Position& from);
  std::unique_ptr<Retention> MakeRetention();
  Status CloseOnce();
  void Fail(const Status& status);
  void Progress();
  Status FinishRemoval(const std::string& topic);
  void TouchRecord(PhysicalOffset offset) const;

  StoreIo& io_;
  const Clock& clock_;
  const StoreOptions options_;
  const StoreListener listener_;
  RecoveryReport report_;
  FirstFailure failure_;
  std::atomic<bool> closed_{true};  // not open yet, or no more
  std::mutex close_mutex_;          // one Close at a time
  bool started_ = false;            // threads run; guarded by close_mutex_ once open
  Status close_status_;

  std::unique_ptr<FileLock> lock_;
  TopicTable topics_;
  CommitLog log_;
  ConsumeQueueTable queues_;
  std::unique_ptr<IndexService> index_;  // null: disabled
  RecordChecksums checksums_;
  RemovedTopics removed_;
  const DispatchPlaces places_;
  Checkpoint checkpoint_;
  RecoveryPointFile point_file_;
  Arrivals arrivals_;
  AppendPath appends_;
  ReadPath reads_;
  RawLog raw_log_;
  CopyCheck copy_check_;
  apogee::ReadAhead read_ahead_;
  LogFlusher flusher_;
  SpaceGuard space_;
  RetentionState retention_state_;  // of the opening before
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<Checkpointer> checkpointer_;
  std::unique_ptr<Retention> retention_;
};

}  // namespace apogee
