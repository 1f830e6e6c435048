#include "queue/queue_file.h"

#include <utility>

namespace apogee {

Status QueueFile::Map(StoreIo& io, const std::string& path, int64_t start_offset,
                      uint32_t size_bytes, std::shared_ptr<QueueFile>* file) {
  std::unique_ptr<StoreFile> opened;
  APOGEE_RETURN_IF_ERROR(io.Open(path, StoreIo::OpenMode::kReadWrite, &opened));
  std::shared_ptr<QueueFile> mapped(new QueueFile());
  mapped->start_offset_ = start_offset;
  mapped->size_bytes_ = size_bytes;
  APOGEE_RETURN_IF_ERROR(opened->Map(size_bytes, true, &mapped->mapping_));
  // Else the first entry would make as much of the file as the device reads ahead, perhaps all.
  mapped->mapping_->AdviseSmallWrites(true);
  mapped->data_ = mapped->mapping_->data();
  *file = std::move(mapped);
  return Status::Ok();
}

}  // namespace apogee
