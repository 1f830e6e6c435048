#include "queue/consume_queue_table.h"

#include <charconv>
#include <mutex>
#include <string_view>
#include <utility>

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
                                     TopicTable& topics)
    : io_(io), directory_(std::move(directory)), file_bytes_(file_bytes), topics_(topics) {}

Status ConsumeQueueTable::Load(LoadReport* report, const ConsumeQueue::BeforeLoss& before_loss) {
  std::vector<DirEntry> entries;
  APOGEE_RETURN_IF_ERROR(io_.List(directory_, &entries));
  for (const DirEntry& entry : entries) {
    if (entry.is_directory && IsValidTopicName(entry.name)) {
      APOGEE_RETURN_IF_ERROR(LoadTopic(entry.name, before_loss, report));
    } else {
      report->ignored.push_back("consumequeue/" + Printable(entry.name) +
                                " is not the directory of a topic");
    }
  }
  return Status::Ok();
}

Status ConsumeQueueTable::LoadTopic(const std::string& topic,
                                    const ConsumeQueue::BeforeLoss& before_loss,
                                    LoadReport* report) {
  TopicHandle handle;
  APOGEE_RETURN_IF_ERROR(topics_.Intern(topic, &handle));
  std::vector<DirEntry> entries;
  APOGEE_RETURN_IF_ERROR(io_.List(directory_ + '/' + topic, &entries));
  for (const DirEntry& entry : entries) {
    int32_t queue_id = 0;
    if (!entry.is_directory || !ParseQueueId(entry.name, &queue_id)) {
      report->ignored.push_back("consumequeue/" + topic + '/' + Printable(entry.name) +
                                " is not the directory of a queue");
      continue;
    }
    ConsumeQueue* queue = nullptr;
    APOGEE_RETURN_IF_ERROR(FindOrCreate({handle, queue_id}, &queue));
    bool damaged = false;
    APOGEE_RETURN_IF_ERROR(queue->Load(&damaged, before_loss));
    if (damaged) report->damaged.push_back(queue);
  }
  return Status::Ok();
}

ConsumeQueue* ConsumeQueueTable::Find(QueueId id) const {
  const std::shared_lock lock(mutex_);
  const auto found = queues_.find(id);
  return found == queues_.end() ? nullptr : found->second.get();
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
  auto& slot = queues_[id];
  if (!slot) slot = std::make_unique<ConsumeQueue>(io_, id, std::move(directory), file_bytes_);
  *queue = slot.get();
  return Status::Ok();
}

std::vector<ConsumeQueue*> ConsumeQueueTable::All() const {
  const std::shared_lock lock(mutex_);
  std::vector<ConsumeQueue*> all;
  all.reserve(queues_.size());
  for (const auto& [id, queue] : queues_) all.push_back(queue.get());
  return all;
}

}  // namespace apogee
