#include "store/checkpoint.h"

#include <array>

namespace apogee {

Status Checkpoint::Open(StoreIo& io, const std::string& root) {
  APOGEE_RETURN_IF_ERROR(io.Open(root + "/checkpoint", StoreIo::OpenMode::kCreate, &file_));
  uint64_t size_bytes = 0;
  APOGEE_RETURN_IF_ERROR(file_->Size(&size_bytes));
  if (size_bytes != kCheckpointFileBytes) {
    APOGEE_RETURN_IF_ERROR(file_->Truncate(kCheckpointFileBytes));
    APOGEE_RETURN_IF_ERROR(file_->Reserve(0, kCheckpointFileBytes));
    APOGEE_RETURN_IF_ERROR(file_->Sync());
    APOGEE_RETURN_IF_ERROR(io.SyncDirectory(root));
  }
  std::array<uint8_t, kCheckpointUsedBytes> bytes{};
  size_t read_bytes = 0;
  APOGEE_RETURN_IF_ERROR(file_->Read(0, bytes, &read_bytes));
  times_ = DecodeCheckpoint(bytes.data());
  return Status::Ok();
}

Status Checkpoint::Write(const CheckpointTimes& times) {
  if (times == times_) return Status::Ok();
  std::array<uint8_t, kCheckpointUsedBytes> bytes{};
  EncodeCheckpoint(times, bytes.data());
  APOGEE_RETURN_IF_ERROR(file_->Write(0, bytes));
  APOGEE_RETURN_IF_ERROR(file_->Sync());
  times_ = times;
  return Status::Ok();
}

}  // namespace apogee
