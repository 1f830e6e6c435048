#include "index/index_file.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace apogee {
namespace {

constexpr uint64_t kReserveStepBytes = 1 << 20;
constexpr uint64_t kBlockBytes = 4096;

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

Status IndexFile::Create(StoreIo& io, const std::string& path, IndexSize size,
                         const IndexHeader* before, std::shared_ptr<IndexFile>* file) {
  std::shared_ptr<IndexFile> created(new IndexFile(io, path, size));
  APOGEE_RETURN_IF_ERROR(io.Open(path, StoreIo::OpenMode::kCreate, &created->file_));
  const Status allocated = created->Allocate();
  if (!allocated.ok()) {
    // The first failure is what the caller must know; an empty file that stays is removed by the
    // next load.
    [[maybe_unused]] const Status removed = io.Remove(path);
    return allocated;
  }
  APOGEE_RETURN_IF_ERROR(created->Map());
  IndexHeader header;
  if (before != nullptr) {
    header.begin_offset = header.end_offset = std::max<int64_t>(before->end_offset, 0);
    header.begin_time_ms = header.end_time_ms = std::max<int64_t>(before->end_time_ms, 0);
  }
  created->SetHeader(header);
  created->WriteHeader();
  *file = std::move(created);
  return Status::Ok();
}

Status IndexFile::Open(StoreIo& io, const std::string& path, IndexSize size,
                       std::shared_ptr<IndexFile>* file) {
  std::shared_ptr<IndexFile> opened(new IndexFile(io, path, size));
  APOGEE_RETURN_IF_ERROR(io.Open(path, StoreIo::OpenMode::kReadWrite, &opened->file_));
  uint64_t found_bytes = 0;
  APOGEE_RETURN_IF_ERROR(opened->file_->Size(&found_bytes));
  if (found_bytes != IndexFileBytes(size.slots, size.items)) {
    return Status::Error(StatusCode::kCorruption,
                         path + " has " + std::to_string(found_bytes) + " bytes instead of " +
                             std::to_string(IndexFileBytes(size.slots, size.items)));
  }
  APOGEE_RETURN_IF_ERROR(opened->Map());
  IndexHeader header = DecodeIndexHeader(opened->data_);
  header.count = std::max(header.count, 1);
  if (header.count > static_cast<int32_t>(size.items)) {
    return Status::Error(StatusCode::kCorruption, path + " counts more items than it can hold");
  }
  opened->SetHeader(header);
  // Java leaves holes. Slots must have their blocks before anything is put.
  if (!opened->full()) APOGEE_RETURN_IF_ERROR(opened->file_->Reserve(0, IndexSlotAt(size.slots)));
  opened->reserved_to_ = IndexItemAt(size.slots, static_cast<uint32_t>(header.count));
  *file = std::move(opened);
  return Status::Ok();
}

Status IndexFile::Allocate() {
  reserved_to_ = IndexSlotAt(size_.slots);
  APOGEE_RETURN_IF_ERROR(file_->Reserve(0, reserved_to_));
  APOGEE_RETURN_IF_ERROR(file_->Truncate(IndexFileBytes(size_.slots, size_.items)));
  APOGEE_RETURN_IF_ERROR(file_->Sync());
  return io_.SyncDirectory(DirectoryOf(path_));
}

Status IndexFile::Map() {
  APOGEE_RETURN_IF_ERROR(file_->Map(IndexFileBytes(size_.slots, size_.items), true, &mapping_));
  mapping_->AdviseSmallWrites(true);  // slots are touched in no order
  data_ = mapping_->data();
  return Status::Ok();
}

IndexHeader IndexFile::header() const {
  IndexHeader header;
  header.count = count_.load(std::memory_order_acquire);
  header.begin_time_ms = begin_time_ms_.load(std::memory_order_acquire);
  header.end_time_ms = end_time_ms_.load(std::memory_order_acquire);
  header.begin_offset = begin_offset_.load(std::memory_order_acquire);
  header.end_offset = end_offset_.load(std::memory_order_acquire);
  header.used_slots = used_slots_.load(std::memory_order_acquire);
  return header;
}

void IndexFile::SetHeader(const IndexHeader& header) {
  begin_time_ms_.store(header.begin_time_ms, std::memory_order_release);
  end_time_ms_.store(header.end_time_ms, std::memory_order_release);
  begin_offset_.store(header.begin_offset, std::memory_order_release);
  end_offset_.store(header.end_offset, std::memory_order_release);
  used_slots_.store(header.used_slots, std::memory_order_release);
  count_.store(header.count, std::memory_order_release);
}

void IndexFile::WriteHeader() {
  EncodeIndexHeader(header(), data_);
  dirty_.store(true, std::memory_order_release);
}

uint8_t* IndexFile::ItemAt(int32_t number) const {
  return data_ + IndexItemAt(size_.slots, static_cast<uint32_t>(number));
}

IndexItem IndexFile::Item(int32_t number) const { return DecodeIndexItem(ItemAt(number)); }

// Slots are read while they are written, so they are loaded and stored as one word.
int32_t IndexFile::LoadSlot(uint32_t slot) const {
  auto* const word = reinterpret_cast<uint32_t*>(data_ + IndexSlotAt(slot));
  const uint32_t value = std::atomic_ref<uint32_t>(*word).load(std::memory_order_acquire);
  return static_cast<int32_t>(internal::BigEndian(value));
}

void IndexFile::StoreSlot(uint32_t slot, int32_t number) {
  auto* const word = reinterpret_cast<uint32_t*>(data_ + IndexSlotAt(slot));
  std::atomic_ref<uint32_t>(*word).store(internal::BigEndian(static_cast<uint32_t>(number)),
                                         std::memory_order_release);
}

Status IndexFile::ReserveItem(int32_t number) {
  const uint64_t end = IndexItemAt(size_.slots, static_cast<uint32_t>(number) + 1);
  if (end <= reserved_to_) return Status::Ok();
  const uint64_t to = std::min(end + kReserveStepBytes, IndexFileBytes(size_.slots, size_.items));
  APOGEE_RETURN_IF_ERROR(file_->Reserve(reserved_to_ - reserved_to_ % kBlockBytes, to));
  reserved_to_ = to;
  return Status::Ok();
}

Status IndexFile::Put(int32_t key_hash, PhysicalOffset offset, int64_t store_time_ms) {
  const int32_t number = count_.load(std::memory_order_relaxed);
  APOGEE_RETURN_IF_ERROR(ReserveItem(number));
  const uint32_t slot = static_cast<uint32_t>(key_hash) % size_.slots;
  int32_t previous = LoadSlot(slot);
  if (previous < 0 || previous > number) previous = 0;
  const int64_t begin_time_ms = begin_time_ms_.load(std::memory_order_relaxed);
  EncodeIndexItem({key_hash, offset.value, IndexSeconds(store_time_ms, begin_time_ms), previous},
                  ItemAt(number));
  if (number == 1) {
    begin_offset_.store(offset.value, std::memory_order_release);
    begin_time_ms_.store(store_time_ms, std::memory_order_release);
  }
  StoreSlot(slot, number);
  if (previous == 0)
    used_slots_.store(used_slots_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  end_offset_.store(offset.value, std::memory_order_release);
  end_time_ms_.store(store_time_ms, std::memory_order_release);
  count_.store(number + 1, std::memory_order_release);
  WriteHeader();
  return Status::Ok();
}

bool IndexFile::Overlaps(int64_t begin_ms, int64_t end_ms) const {
  const IndexHeader here = header();
  const auto within = [&](int64_t time_ms) {
    return time_ms >= here.begin_time_ms && time_ms <= here.end_time_ms;
  };
  return (begin_ms < here.begin_time_ms && end_ms > here.end_time_ms) || within(begin_ms) ||
         within(end_ms);
}

void IndexFile::Select(int32_t key_hash, size_t max_count, int64_t begin_ms, int64_t end_ms,
                       std::vector<PhysicalOffset>* offsets) const {
  int32_t number = LoadSlot(static_cast<uint32_t>(key_hash) % size_.slots);
  const int32_t count = count_.load(std::memory_order_acquire);
  if (count <= 1 || number > count || number >= static_cast<int32_t>(size_.items)) return;
  const int64_t begin_time_ms = begin_time_ms_.load(std::memory_order_acquire);
  while (number > 0 && offsets->size() < max_count) {
    const IndexItem item = Item(number);
    if (item.seconds < 0) return;
    const int64_t time_ms = IndexTimeMs(begin_time_ms, item.seconds);
    if (item.key_hash == key_hash && time_ms >= begin_ms && time_ms <= end_ms) {
      offsets->push_back({item.physical_offset});
    }
    if (time_ms < begin_ms || item.previous >= number) return;
    number = item.previous;
  }
}

void IndexFile::KeepItems(int32_t count, int64_t end_time_ms) {
  IndexHeader kept = header();
  std::memset(data_ + IndexSlotAt(0), 0, uint64_t{size_.slots} * kIndexSlotBytes);
  kept.used_slots = 0;
  for (int32_t number = 1; number < count; ++number) {
    IndexItem item = Item(number);
    const uint32_t slot = static_cast<uint32_t>(item.key_hash) % size_.slots;
    item.previous = LoadSlot(slot);
    if (item.previous == 0) ++kept.used_slots;
    EncodeIndexItem(item, ItemAt(number));
    StoreSlot(slot, number);
  }
  std::memset(ItemAt(count), 0, uint64_t(std::max(kept.count - count, 0)) * kIndexItemBytes);
  kept.count = count;
  kept.end_time_ms = end_time_ms;
  kept.end_offset = count > 1 ? Item(count - 1).physical_offset : kept.begin_offset;
  SetHeader(kept);
  WriteHeader();
}

Status IndexFile::Flush() {
  dirty_.store(false, std::memory_order_release);
  const auto count = static_cast<uint32_t>(count_.load(std::memory_order_acquire));
  return mapping_->Sync(0, IndexItemAt(size_.slots, std::min(count, size_.items)));
}

Status IndexFile::Remove() {
  APOGEE_RETURN_IF_ERROR(io_.Remove(path_));
  return io_.SyncDirectory(DirectoryOf(path_));
}

}  // namespace apogee
