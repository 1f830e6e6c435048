#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace apogee {

// What went wrong, as a value the caller can act on. The names are stable: the addon hands them to
// JavaScript as error codes (STORE_<NAME>).
enum class StatusCode : uint8_t {
  kOk,
  kInvalidArgument,  // the caller's values are off; nothing was done
  kNotFound,
  kClosed,      // the store is closing or closed
  kLocked,      // another process has the directory
  kReadOnly,    // an earlier sync or write failed; see context for the first cause
  kNoSpace,     // the device is full; nothing was written
  kIoError,     // errno tells
  kCorruption,  // bytes on disk are not what the format says
  kTooLarge,    // body, properties or record over the limit
  kTimeout,
  kBusy,  // no room in memory right now; nothing was written, a retry may succeed
  kReadOnlyFileSystem,  // mounted read-only, or made so by the kernel after an error
  kTooManyFiles,        // no descriptor left for the process or the system; nothing was done
  kMapLimit,            // no mapping left (vm.max_map_count, address space); nothing was done
};
inline constexpr StatusCode kLastStatusCode = StatusCode::kMapLimit;

// Whether the same call may succeed later without the store being opened again: a resource has run
// out, nothing was done and nothing was lost.
constexpr bool IsShortage(StatusCode code) {
  return code == StatusCode::kNoSpace || code == StatusCode::kTooManyFiles ||
         code == StatusCode::kMapLimit;
}

// Result of an engine call. Cheap when ok. No exceptions cross the engine's API.
class [[nodiscard]] Status {
 public:
  Status() = default;
  static Status Ok() { return {}; }
  static Status Error(StatusCode code, std::string context, int error_number = 0) {
    Status status;
    status.code_ = code;
    status.error_number_ = error_number;
    status.context_ = std::move(context);
    return status;
  }
  // Maps an errno to kNoSpace (ENOSPC, EDQUOT), kNotFound (ENOENT), kReadOnlyFileSystem (EROFS),
  // kTooManyFiles (EMFILE, ENFILE), kMapLimit (ENOMEM: of the calls used only mmap answers that
  // while the machine lives) or kIoError. `what` names call and file.
  static Status FromErrno(int error_number, std::string_view what);

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  int error_number() const { return error_number_; }
  const std::string& context() const { return context_; }
  // "IO_ERROR: fdatasync commitlog/000...: Input/output error"
  std::string ToString() const;

 private:
  StatusCode code_ = StatusCode::kOk;
  int error_number_ = 0;
  std::string context_;
};

// Stable upper-case name of a code, for example "NO_SPACE".
std::string_view StatusCodeName(StatusCode code);

}  // namespace apogee

// Returns from the enclosing function when `expression` is not ok.
#define APOGEE_RETURN_IF_ERROR(expression)           \
  do {                                               \
    ::apogee::Status status_of_step = (expression);  \
    if (!status_of_step.ok()) return status_of_step; \
  } while (false)
