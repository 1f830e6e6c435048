// How a queue uses its extension files: the rest of ConsumeQueue is in consume_queue.cc.

#include <algorithm>

#include "queue/consume_queue.h"

namespace apogee {

// TOPIC/QUEUE_ID as in the queue's own directory.
std::string ConsumeQueue::ExtensionDirectory() const {
  const std::string& own = directory();
  const size_t topic = own.rfind('/', own.rfind('/') - 1);
  return surroundings_.extension.root + own.substr(topic);
}

Status ConsumeQueue::OpenExtension() {
  APOGEE_RETURN_IF_ERROR(QueueExtension::Open(io_, surroundings_.mappings, ExtensionDirectory(),
                                              surroundings_.extension.file_bytes,
                                              &owned_extension_));
  extension_.store(owned_extension_.get(), std::memory_order_release);
  return Status::Ok();
}

bool ConsumeQueue::ReadExtension(int64_t address, std::shared_ptr<QueueFile>* file,
                                 ExtensionUnit* unit) const {
  const QueueExtension* extension = extension_.load(std::memory_order_acquire);
  return extension != nullptr && extension->Read(address, file, unit);
}

bool ConsumeQueue::ExtensionCovers(int64_t address) const {
  const QueueExtension* extension = extension_.load(std::memory_order_acquire);
  return extension != nullptr && extension->Covers(address);
}

// The address of the last entry below `offset` that has one, 0 when none has. Looks at every entry
// when the queue is full of tag codes: once, when extension files are enabled for it.
Status ConsumeQueue::LastAddressBelow(int64_t offset, int64_t* address) const {
  const int64_t entries_per_file = files_.file_bytes() / kConsumeQueueEntryBytes;
  const int64_t first = files_.begin() / kConsumeQueueEntryBytes;
  *address = 0;
  while (offset > first) {
    const int64_t from = (offset - 1) - (offset - 1) % entries_per_file;
    const QueueEntries entries = Read({from});
    if (entries.count < offset - from) {
      return Status::Error(StatusCode::kMapLimit, directory() + " cannot be read now");
    }
    for (int64_t i = offset - from - 1; i >= 0; --i) {
      *address = entries[i].tag_code;
      if (IsExtensionAddress(*address)) return Status::Ok();
    }
    *address = 0;
    offset = from;
  }
  return Status::Ok();
}

// Units go on behind those of the entries below `offset`. Addresses grow with queue offsets, so
// that the last one tells. Where it leads nowhere the next file is taken: no address must ever lead
// to the unit of another entry.
Status ConsumeQueue::SettleBelow(int64_t offset, QueueExtension& extension) const {
  int64_t address = 0;
  APOGEE_RETURN_IF_ERROR(LastAddressBelow(offset, &address));
  if (address == 0) return extension.Settle(0);
  std::shared_ptr<QueueFile> file;
  ExtensionUnit unit;
  const int64_t at = ExtensionOffsetOf(address);
  if (extension.Read(address, &file, &unit)) return extension.Settle(at + unit.size_bytes());
  const int64_t file_bytes = extension.file_bytes();
  return extension.Settle(std::max((at / file_bytes + 1) * file_bytes, extension.files_end()));
}

Status ConsumeQueue::SettleExtension() {
  QueueExtension* extension = extension_.load(std::memory_order_acquire);
  if (extension == nullptr || extension->settled()) return Status::Ok();
  return SettleBelow(max().value, *extension);
}

// In a shortage the entry waits; whatever else goes wrong, the tag code in the entry is as good.
Status ConsumeQueue::PutUnit(const ExtensionUnit& unit, ConsumeQueueEntry* entry, bool* put_unit) {
  *put_unit = false;
  if (!surroundings_.extension.enabled || surroundings_.extension.root.empty()) return Status::Ok();
  Status put = extension_.load() == nullptr ? OpenExtension() : Status::Ok();
  if (put.ok()) put = SettleExtension();
  int64_t address = 0;
  if (put.ok()) put = owned_extension_->Put(unit, &address);
  *put_unit = put.ok();
  if (put.ok()) entry->tag_code = address;
  return IsShortage(put.code()) ? put : Status::Ok();
}

Status ConsumeQueue::WriteExtended(int64_t offset, ConsumeQueueEntry entry,
                                   const ExtensionUnit* unit) {
  bool put_unit = false;
  if (unit != nullptr) APOGEE_RETURN_IF_ERROR(PutUnit(*unit, &entry, &put_unit));
  APOGEE_RETURN_IF_ERROR(Write(offset, entry));
  if (put_unit) owned_extension_->Keep();
  return Status::Ok();
}

Status ConsumeQueue::CutExtension(QueueOffset offset) {
  if (surroundings_.extension.root.empty()) return Status::Ok();
  if (!owned_extension_) APOGEE_RETURN_IF_ERROR(OpenExtension());
  return SettleBelow(offset.value, *owned_extension_);
}

Status ConsumeQueue::Rewrite(QueueOffset offset, const ConsumeQueueEntry& entry,
                             const ExtensionUnit* unit) {
  ForgetKnown();
  APOGEE_RETURN_IF_ERROR(WriteExtended(offset.value, entry, unit));
  SetFlushed(std::min<int64_t>(flushed_bytes_.load(), offset.value * kConsumeQueueEntryBytes));
  Dirty();
  return Status::Ok();
}

Status ConsumeQueue::DropAddresses(int64_t from, int64_t to) {
  for (int64_t offset = from; offset < std::min(to, max().value); ++offset) {
    ConsumeQueueEntry entry;
    if (!Get({offset}, &entry) || !IsExtensionAddress(entry.tag_code)) continue;
    entry.tag_code = 0;
    APOGEE_RETURN_IF_ERROR(Rewrite({offset}, entry, nullptr));
  }
  return Status::Ok();
}

Status ConsumeQueue::FlushExtension() {
  QueueExtension* extension = extension_.load(std::memory_order_acquire);
  return extension == nullptr ? Status::Ok() : extension->Sync();
}

// Units of entries below min() go by whole files.
Status ConsumeQueue::TrimExtension() {
  QueueExtension* extension = extension_.load(std::memory_order_acquire);
  ConsumeQueueEntry first;
  if (extension == nullptr || !Get(min(), &first) || !IsExtensionAddress(first.tag_code)) {
    return Status::Ok();
  }
  return extension->TrimBelow(first.tag_code);
}

Status ConsumeQueue::RemoveExtension() {
  if (surroundings_.extension.root.empty()) return Status::Ok();
  if (QueueExtension* extension = extension_.load()) return extension->Remove();
  return QueueExtension::RemoveDirectory(io_, ExtensionDirectory());
}

}  // namespace apogee
