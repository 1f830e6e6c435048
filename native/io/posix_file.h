#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "io/store_io.h"

namespace apogee {

// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

// open(2) with O_CLOEXEC; retries EINTR. An invalid descriptor leaves the reason in errno.
Descriptor OpenDescriptor(const std::string& path, int flags);

// The StoreFile over an open descriptor. `path` names it in errors.
std::unique_ptr<StoreFile> MakePosixFile(Descriptor descriptor, std::string path);

// errno of the call that just failed, as a Status that names call and file.
Status LastError(const char* call, const std::string& path);

}  // namespace apogee
