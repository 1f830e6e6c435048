#pragma once

#include <cstdint>
#include <string>

namespace apogee::bench {

// One log file written through its mapping. Unmapped and closed by the destructor.
class JavaLogFile {
 public:
  JavaLogFile() = default;
  ~JavaLogFile();
  JavaLogFile(const JavaLogFile&) = delete;
  JavaLogFile& operator=(const JavaLogFile&) = delete;

  // Creates it with all its blocks reserved. No page of it is touched.
  std::string Create(const std::string& path, uint32_t size_bytes);
  uint8_t* data() { return data_; }
  uint32_t size_bytes() const { return size_bytes_; }
  // Takes its name away; the bytes stay until the destructor.
  std::string Delete();
  // msync(MS_SYNC) of the whole mapping, as MappedByteBuffer.force() does it.
  std::string Force();

 private:
  std::string path_;
  int fd_ = -1;
  uint8_t* data_ = nullptr;
  uint32_t size_bytes_ = 0;
};

}  // namespace apogee::bench
