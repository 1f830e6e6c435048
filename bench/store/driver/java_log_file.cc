#include "java_log_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace apogee::bench {
namespace {

std::string Failed(const char* call, int error_number) {
  return std::string(call) + ": " + std::strerror(error_number);
}

}  // namespace

JavaLogFile::~JavaLogFile() {
  if (data_ != nullptr) munmap(data_, size_bytes_);
  if (fd_ >= 0) close(fd_);
}

std::string JavaLogFile::Create(const std::string& path, uint32_t size_bytes) {
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd_ < 0) return Failed("open", errno);
  if (const int error = posix_fallocate(fd_, 0, size_bytes); error != 0) {
    return Failed("posix_fallocate", error);
  }
  void* mapping = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (mapping == MAP_FAILED) return Failed("mmap", errno);
  path_ = path;
  data_ = static_cast<uint8_t*>(mapping);
  size_bytes_ = size_bytes;
  return {};
}

std::string JavaLogFile::Delete() {
  return unlink(path_.c_str()) == 0 ? std::string() : Failed("unlink", errno);
}

std::string JavaLogFile::Force() {
  return msync(data_, size_bytes_, MS_SYNC) == 0 ? std::string() : Failed("msync", errno);
}

}  // namespace apogee::bench
