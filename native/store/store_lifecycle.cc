// How a store opens and closes: the rest of MessageStoreImpl is in message_store_impl.cc.

#include <algorithm>
#include <utility>

#include "store/message_store_impl.h"

namespace apogee {

Status MessageStoreImpl::Start() {
  APOGEE_RETURN_IF_ERROR(OpenDirectory());
  const bool clean = !io_.Exists(options_.root + "/abort");
  Dispatcher::Position position;
  APOGEE_RETURN_IF_ERROR(Recover(clean, &position));
  CheckDirectIo();
  StartThreads(position);
  closed_.store(false, std::memory_order_release);
  return Status::Ok();
}

// Nothing but the lock is touched before the lock is held.
Status MessageStoreImpl::OpenDirectory() {
  if (options_.root.empty())
    return Status::Error(StatusCode::kInvalidArgument, "a store needs a root directory");
  if (options_.write_path == WritePath::kPool && options_.flush.mode == FlushMode::kSync)
    return Status::Error(StatusCode::kInvalidArgument,
                         "the pool acknowledges what is not written yet: it needs async flush");
  APOGEE_RETURN_IF_ERROR(io_.CreateDirectories(options_.root));
  APOGEE_RETURN_IF_ERROR(io_.Lock(options_.root + "/lock", &lock_));
  APOGEE_RETURN_IF_ERROR(io_.CreateDirectories(log_.options().directory));
  APOGEE_RETURN_IF_ERROR(io_.CreateDirectories(options_.root + "/consumequeue"));
  if (!options_.index_enabled) return Status::Ok();
  const std::string index_directory = options_.root + "/index";
  APOGEE_RETURN_IF_ERROR(io_.CreateDirectories(index_directory));
  index_ = std::make_unique<IndexService>(io_, clock_, index_directory,
                                          IndexSize{options_.index_slots, options_.index_items});
  return Status::Ok();
}

Status MessageStoreImpl::Recover(bool clean, Dispatcher::Position* position) {
  APOGEE_RETURN_IF_ERROR(log_.Load());
  APOGEE_RETURN_IF_ERROR(checkpoint_.Open(io_, options_.root));
  OpenRecoveryPoint();
  ConsumeQueueTable::LoadReport loaded;
  // Should this opening not come to its end, the next one must know that queues lack entries.
  const CheckpointTimes times = checkpoint_.times();
  const auto before_loss = [&] {
    return checkpoint_.Write({times.physical_ms, 0, times.index_ms});
  };
  APOGEE_RETURN_IF_ERROR(queues_.Load(&loaded, before_loss));
  APOGEE_RETURN_IF_ERROR(removed_.Load(io_, options_.root));
  APOGEE_RETURN_IF_ERROR(FinishRemovals());
  if (index_) APOGEE_RETURN_IF_ERROR(index_->Load(&loaded.ignored));
  report_.notes.insert(report_.notes.end(), loaded.ignored.begin(), loaded.ignored.end());
  std::string note;
  APOGEE_RETURN_IF_ERROR(LoadRetention(io_, options_.root, &retention_state_, &note));
  if (!note.empty()) report_.notes.push_back(note);

  ProgressReporter progress(clock_, listener_.on_recovery_progress);
  Recovery recovery({.log = log_,
                     .topics = topics_,
                     .queues = queues_,
                     .index = index_.get(),
                     .checksums = checksums_,
                     .checkpoint = times,
                     .point = point_file_.Find(log_, times),
                     .clean = clean,
                     .check_crc = options_.check_crc_on_recover,
                     .sync_flush = options_.flush.mode == FlushMode::kSync,
                     .delay_levels_ms = options_.delay_levels_ms,
                     .places = places_,
                     .extension = options_.consume_queue_ext,
                     .damaged_queues = std::move(loaded.damaged),
                     .before_loss = before_loss,
                     .progress = &progress});
  APOGEE_RETURN_IF_ERROR(recovery.FindEnd());
  // From the first change on until an orderly close the store counts as unclean.
  APOGEE_RETURN_IF_ERROR(CreateAbortFile());
  APOGEE_RETURN_IF_ERROR(recovery.Repair());
  APOGEE_RETURN_IF_ERROR(removed_.CutAt(log_.appended()));
  recovery.Report(&report_);
  KeepQuarantine(recovery.quarantine());
  if (!recovery.quarantine().ranges().empty())
    APOGEE_RETURN_IF_ERROR(PromiseUntil(recovery.position().store_time_ms));
  copy_check_.SetKnown(recovery.quarantine());
  RecordCheck check = recovery.Check();
  check.verify_behind_bytes = options_.verify_behind_bytes;
  reads_.SetCheck(std::move(check));
  *position = recovery.position();
  for (const ConsumeQueue* queue : queues_.All()) appends_.SetNext(queue->id(), queue->max());
  return Status::Ok();
}

// Derived: without it this start and the next take longer, and that is all.
void MessageStoreImpl::OpenRecoveryPoint() {
  const Status opened = point_file_.Open(io_, options_.root);
  if (!opened.ok()) report_.notes.push_back("no recovery point is kept: " + opened.ToString());
}

void MessageStoreImpl::KeepQuarantine(const Quarantine& quarantine) {
  if (quarantine.ranges().empty()) return;
  const Status written =
      WriteQuarantine(io_, options_.root, log_.min_offset(), clock_.NowMs(), quarantine.ranges());
  if (!written.ok()) report_.notes.push_back("quarantine.json: " + written.ToString());
}

// A removal that a crash ended left queues whose entries lead to old messages only.
Status MessageStoreImpl::FinishRemovals() {
  const auto removed = removed_.topics();
  if (removed.empty()) return Status::Ok();
  for (ConsumeQueue* queue : queues_.All()) {
    const auto topic = removed.find(topics_.Name(queue->id().topic));
    ConsumeQueueEntry last;
    if (topic == removed.end() || !queue->Get({queue->max().value - 1}, &last)) continue;
    if (last != kFillEntry && last.physical_offset < topic->second) {
      APOGEE_RETURN_IF_ERROR(queues_.Remove(queue->id()));
    }
  }
  return Status::Ok();
}

// What was kept behind damage is on the device: no later opening, however configured, may take it
// for something that nobody was promised.
Status MessageStoreImpl::PromiseUntil(int64_t store_time_ms) {
  CheckpointTimes times = checkpoint_.times();
  times.physical_ms = std::max(times.physical_ms, store_time_ms);
  return checkpoint_.Write(times);
}

// Left over, the next opening would end them, after it read the whole log.
void MessageStoreImpl::FinishRemovalsUnderWay() {
  for (const auto& [name, end] : removed_.standing()) {
    TopicHandle topic;
    if (!topics_.Find(name, &topic)) continue;
    [[maybe_unused]] const Status status = dispatcher_->RemoveQueues(topic);
  }
}

Status MessageStoreImpl::CreateAbortFile() {
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(io_.Open(options_.root + "/abort", StoreIo::OpenMode::kCreate, &file));
  APOGEE_RETURN_IF_ERROR(file->Sync());
  return io_.SyncDirectory(options_.root);
}

void MessageStoreImpl::StartThreads(const Dispatcher::Position& from) {
  const auto fail = [this](const Status& status) { Fail(status); };
  dispatcher_ = std::make_unique<Dispatcher>(
      log_, topics_, queues_, index_.get(), checksums_, arrivals_, places_, removed_,
      options_.delay_levels_ms, options_.consume_queue_ext,
      Dispatcher::Callbacks{listener_.on_dispatched, listener_.on_arrival, fail,
                            [this] { MakeReadable(); }});
  checkpointer_ = std::make_unique<Checkpointer>(log_, *dispatcher_, queues_, index_.get(),
                                                 checksums_, checkpoint_, point_file_,
                                                 options_.consume_queue_flush_interval_ms, fail);
  flusher_.Start();
  dispatcher_->Start(from);
  checkpointer_->Start();
  retention_ = MakeRetention();
  retention_->Start();
  started_ = true;
}

std::unique_ptr<Retention> MessageStoreImpl::MakeRetention() {
  Retention::Parts parts{
      .io = io_,
      .root = options_.root,
      .log = log_,
      .topics = topics_,
      .queues = queues_,
      .index = index_.get(),
      .space = space_,
      .durable = [this] { return std::min(checkpointer_->durable(), log_.flushed()); },
      .hasten =
          [this] {
            flusher_.Request(log_.appended());
            checkpointer_->Hasten();
          },
      .read_only = [this] { return failure_.failed(); },
      .on_segment_removed = nullptr,
      .remove_topic = [this](const std::string& topic) { return FinishRemoval(topic); },
      .on_notice = listener_.on_retention};
  return std::make_unique<Retention>(std::move(parts), options_.retention,
                                     std::move(retention_state_));
}

// For messages that nobody waits for. The pool's may wait for its interval.
void MessageStoreImpl::MakeReadable() {
  if (options_.flush.mode == FlushMode::kSync) {
    flusher_.Request(log_.appended());
  } else if (log_.options().write_path == WritePath::kStaged) {
    flusher_.RequestCommit();
  }
}

// Direct I/O that cannot be had is told as a note. The abort file is as good as any for asking.
void MessageStoreImpl::CheckDirectIo() {
  if (!options_.direct_io) return;
  std::unique_ptr<StoreFile> probe;
  if (!log_.staged()) {
    report_.notes.push_back("direct I/O is off: the mapped write path has none");
  } else if (options_.segment_bytes % kDirectBytes != 0) {
    report_.notes.push_back("direct I/O is off: the segment size is no multiple of 4096");
  } else if (const Status status =
                 io_.Open(options_.root + "/abort", StoreIo::OpenMode::kDirect, &probe);
             !status.ok()) {
    report_.notes.push_back("direct I/O is off: " + status.ToString());
  }
}

Status MessageStoreImpl::Close() {
  const std::lock_guard lock(close_mutex_);
  if (!started_) return close_status_;
  started_ = false;
  closed_.store(true, std::memory_order_release);
  close_status_ = CloseOnce();
  lock_.reset();
  return close_status_;
}

// Everything durable, then the checkpoint, then no abort file. After a failure the abort file
// stays, so that the next open trusts nothing that was not synced.
Status MessageStoreImpl::CloseOnce() {
  read_ahead_.Stop();
  retention_->Stop();
  checkpointer_->Stop();
  const Status flushed = flusher_.Stop();
  const Status dispatched = dispatcher_->Stop();
  APOGEE_RETURN_IF_ERROR(flushed);
  APOGEE_RETURN_IF_ERROR(dispatched);
  APOGEE_RETURN_IF_ERROR(failure_.status());
  FinishRemovalsUnderWay();
  const Status written = checkpointer_->WriteAll();
  Fail(written);
  APOGEE_RETURN_IF_ERROR(written);
  APOGEE_RETURN_IF_ERROR(io_.Remove(options_.root + "/abort"));
  return io_.SyncDirectory(options_.root);
}

}  // namespace apogee
