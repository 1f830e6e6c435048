#include "device_backend.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace apogee::bench {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr int64_t kZeroChunkBytes = 1 << 20;

std::string Failed(const char* call, int error_number) {
  return std::string(call) + ": " + std::strerror(error_number);
}

}  // namespace

DeviceBackend::~DeviceBackend() {
  for (const int file : files_) close(file);
}

std::string DeviceBackend::Open() {
  if (std::string wrong = NextFile(); !wrong.empty()) return wrong;
  return options_.sync ? FillWithZeros() : std::string();
}

std::string DeviceBackend::NextFile() {
  const std::string path = options_.directory + "/" + std::to_string(files_.size());
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return Failed("open", errno);
  files_.push_back(file);
  position_ = 0;
  const int error = posix_fallocate(file, 0, options_.segment_bytes);
  return error == 0 ? std::string() : Failed("posix_fallocate", error);
}

std::string DeviceBackend::FillWithZeros() {
  const std::vector<uint8_t> zeros(kZeroChunkBytes);
  const int64_t segment = options_.segment_bytes;
  while (position_ < segment) {
    const auto count = static_cast<size_t>(std::min(kZeroChunkBytes, segment - position_));
    if (std::string wrong = Write({zeros.data(), count}); !wrong.empty()) return wrong;
  }
  position_ = 0;
  return fdatasync(files_.back()) == 0 ? std::string() : Failed("fdatasync", errno);
}

std::string DeviceBackend::Append(std::span<const Body> bodies, int64_t* end) {
  group_.clear();
  for (const Body body : bodies) group_.insert(group_.end(), body.begin(), body.end());
  if (options_.sync) group_.resize((group_.size() + kPageBytes - 1) / kPageBytes * kPageBytes);
  if (group_.size() > options_.segment_bytes) return "a group is larger than a file";
  if (position_ + static_cast<int64_t>(group_.size()) > options_.segment_bytes) {
    position_ = 0;
    std::string wrong = options_.sync ? std::string() : NextFile();
    if (!wrong.empty()) return wrong;
  }
  if (std::string wrong = Write(group_); !wrong.empty()) return wrong;
  appended_ += static_cast<int64_t>(group_.size());
  *end = appended_;
  return {};
}

std::string DeviceBackend::Write(std::span<const uint8_t> group) {
  while (!group.empty()) {
    const ssize_t count = pwrite(files_.back(), group.data(), group.size(), position_);
    if (count < 0) return Failed("pwrite", errno);
    position_ += count;
    group = group.subspan(static_cast<size_t>(count));
  }
  return {};
}

std::string DeviceBackend::WaitFlushed(int64_t below) {
  if (flushed_ > below) return {};
  for (const int file : files_) {
    if (fdatasync(file) != 0) return Failed("fdatasync", errno);
  }
  flushed_ = appended_;
  return {};
}

}  // namespace apogee::bench
