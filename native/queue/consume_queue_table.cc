#include "queue/consume_queue_table.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/parallel.h"

namespace apogee {
namespace {

// Decimal without sign or leading zeros, so that a queue has one directory only.
bool ParseQueueId(std::string_view name, int32_t* queue_id) {
  const char* const end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data(), end, *queue_id);
  return error == std::errc() && stopped == end && std::to_string(*queue_id) == name &&
         *queue_id >= 0;
}

// A file name for a message: whatever is not plain ASCII becomes '?'.
std::string Printable(std::string_view name) {
  std::string text(name.substr(0, 160));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

}  // namespace

ConsumeQueueTable::ConsumeQueueTable(StoreIo& io, std::string directory, uint32_t file_bytes,
                                     TopicTable& topics, size_t mapped_files,
                                     ExtensionPlace extension)
    : io_(io),
      directory_(std::move(directory)),
      topics_(topics),
      mappings_(mapped_files),
      surroundings_{io_, mappings_, dirty_, file_bytes, std::move(extension)} {}

Status ConsumeQueueTable::Load(LoadReport* report, const ConsumeQueue::BeforeLoss& before_loss) {
  const size_t threads = LoadingThreads();
  ExtensionPlace& extension = surroundings_.extension;
  extension.present = !extension.root.empty() && io_.Exists(extension.root);
  std::vector<Found> topics;
  APOGEE_RETURN_IF_ERROR(ListTopics(&topics, report));
  APOGEE_RETURN_IF_ERROR(
      ParallelFor(topics.size(), threads, [&](size_t i) { return ListQueues(&topics[i]); }));

  std::vector<ConsumeQueue*> queues;
  for (Found& topic : topics) {
    std::ranges::move(topic.ignored, std::back_inserter(report->ignored));
    TopicHandle handle;
    APOGEE_RETURN_IF_ERROR(topics_.Intern(topic.topic, &handle));
    for (const std::string& name : topic.queue_names) {
      int32_t queue_id = 0;
      ParseQueueId(name, &queue_id);
      APOGEE_RETURN_IF_ERROR(FindOrCreate({handle, queue_id}, &queues.emplace_back()));
    }
  }

  std::mutex loss_mutex;  // guards lost
  bool lost = false;
  const auto once = [&] {
    const std::lock_guard lock(loss_mutex);
    if (lost || !before_loss) return Status::Ok();
    APOGEE_RETURN_IF_ERROR(before_loss());
    lost = true;
    return Status::Ok();
  };
  std::vector<uint8_t> damaged(queues.size());
  APOGEE_RETURN_IF_ERROR(ParallelFor(queues.size(), threads, [&](size_t i) {
    bool queue_damaged = false;
    const Status loaded = queues[i]->Load(&queue_damaged, once);
    damaged[i] = queue_damaged;
    return loaded;
  }));
  for (size_t i = 0; i < queues.size(); ++i) {
    if (damaged[i] != 0) report->damaged.push_back(queues[i]);
  }
  return Status::Ok();
}

Status ConsumeQueueTable::ListTopics(std::vector<Found>* topics, LoadReport* report) const {
  std::vector<DirEntry> entries;
  APOGEE_RETURN_IF_ERROR(io_.List(directory_, &entries));
  for (const DirEntry& entry : entries) {
    if (entry.is_directory && IsValidTopicName(entry.name)) {
      topics->push_back({entry.name, {}, {}});
    } else {
      report->ignored.push_back("consumequeue/" + Printable(entry.name) +
                                " is not the directory of a topic");
    }
  }
  return Status::Ok();
}

Status ConsumeQueueTable::ListQueues(Found* topic) const {
  std::vector<DirEntry> entries;
  APOGEE_RETURN_IF_ERROR(io_.List(directory_ + '/' + topic->topic, &entries));
  for (DirEntry& entry : entries) {
    int32_t queue_id = 0;
    if (entry.is_directory && ParseQueueId(entry.name, &queue_id)) {
      topic->queue_names.push_back(std::move(entry.name));
    } else {
      topic->ignored.push_back("consumequeue/" + topic->topic + '/' + Printable(entry.name) +
                               " is not the directory of a queue");
    }
  }
  return Status::Ok();
}

ConsumeQueue* ConsumeQueueTable::Find(QueueId id) const {
  const std::shared_lock lock(mutex_);
  const auto found = queues_.find(id);
  return found == queues_.end() || found->second.removed ? nullptr : found->second.queue.get();
}

Status ConsumeQueueTable::FindOrCreate(QueueId id, ConsumeQueue** queue) {
  *queue = Find(id);
  if (*queue != nullptr) return Status::Ok();
  const std::string_view topic = topics_.Name(id.topic);
  if (topic.empty() || id.queue_id < 0) {
    return Status::Error(StatusCode::kInvalidArgument,
                         "no such topic handle, or a negative queue id");
  }
  std::string directory = directory_ + '/';
  directory.append(topic).append(1, '/').append(std::to_string(id.queue_id));
  const std::lock_guard lock(mutex_);
  Slot& slot = queues_[id];
  if (!slot.queue) {
    slot.queue = std::make_unique<ConsumeQueue>(surroundings_, id, std::move(directory));
  }
  slot.removed = false;
  *queue = slot.queue.get();
  return Status::Ok();
}

std::vector<ConsumeQueue*> ConsumeQueueTable::All() const {
  const std::shared_lock lock(mutex_);
  std::vector<ConsumeQueue*> all;
  all.reserve(queues_.size());
  for (const auto& [id, slot] : queues_) {
    if (!slot.removed) all.push_back(slot.queue.get());
  }
  return all;
}

Status ConsumeQueueTable::RemoveTopic(TopicHandle topic) {
  for (ConsumeQueue* queue : Detach(topic)) APOGEE_RETURN_IF_ERROR(queue->Remove());
  return RemoveDirectory(topic);
}

std::vector<ConsumeQueue*> ConsumeQueueTable::Detach(TopicHandle topic) {
  std::vector<ConsumeQueue*> queues;
  const std::lock_guard lock(mutex_);
  for (auto& [id, slot] : queues_) {
    if (id.topic != topic) continue;
    slot.removed = true;
    queues.push_back(slot.queue.get());
  }
  return queues;
}

Status ConsumeQueueTable::RemoveDirectory(TopicHandle topic) {
  const std::string& extension_root = surroundings_.extension.root;
  if (!extension_root.empty()) APOGEE_RETURN_IF_ERROR(RemoveDirectory(extension_root, topic));
  return RemoveDirectory(directory_, topic);
}

Status ConsumeQueueTable::RemoveDirectory(const std::string& root, TopicHandle topic) {
  std::string directory = root + '/';
  directory.append(topics_.Name(topic));
  if (!io_.Exists(directory)) return Status::Ok();
  const Status removed = io_.Remove(directory);
  if (removed.error_number() == ENOTEMPTY || removed.error_number() == EEXIST) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(removed);
  return io_.SyncDirectory(root);
}

Status ConsumeQueueTable::Remove(QueueId id) {
  ConsumeQueue* queue = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = queues_.find(id);
    if (found == queues_.end()) return Status::Ok();
    found->second.removed = true;
    queue = found->second.queue.get();
  }
  return queue->Remove();
}

Status ConsumeQueueTable::Flush(int64_t least_bytes) {
  for (ConsumeQueue* queue : dirty_.Take()) {
    APOGEE_RETURN_IF_ERROR(queue->FlushTaken(least_bytes));
  }
  return Status::Ok();
}

}  // namespace apogee
