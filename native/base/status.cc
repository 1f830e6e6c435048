#include "base/status.h"

#include <cerrno>
#include <system_error>

namespace apogee {
namespace {

StatusCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return StatusCode::kNoSpace;
    case ENOENT:
      return StatusCode::kNotFound;
    case EROFS:
      return StatusCode::kReadOnlyFileSystem;
    case EMFILE:
    case ENFILE:
      return StatusCode::kTooManyFiles;
    case ENOMEM:
      return StatusCode::kMapLimit;
    default:
      return StatusCode::kIoError;
  }
}

}  // namespace

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case StatusCode::kNotFound:
      return "NOT_FOUND";
    case StatusCode::kClosed:
      return "CLOSED";
    case StatusCode::kLocked:
      return "LOCKED";
    case StatusCode::kReadOnly:
      return "READ_ONLY";
    case StatusCode::kNoSpace:
      return "NO_SPACE";
    case StatusCode::kIoError:
      return "IO_ERROR";
    case StatusCode::kCorruption:
      return "CORRUPTION";
    case StatusCode::kTooLarge:
      return "TOO_LARGE";
    case StatusCode::kTimeout:
      return "TIMEOUT";
    case StatusCode::kBusy:
      return "BUSY";
    case StatusCode::kReadOnlyFileSystem:
      return "READ_ONLY_FILE_SYSTEM";
    case StatusCode::kTooManyFiles:
      return "TOO_MANY_FILES";
    case StatusCode::kMapLimit:
      return "MAP_LIMIT";
  }
  return "UNKNOWN";
}

Status Status::FromErrno(int error_number, std::string_view what) {
  return Error(CodeOf(error_number), std::string(what), error_number);
}

std::string Status::ToString() const {
  std::string text(StatusCodeName(code_));
  if (!context_.empty()) text.append(": ").append(context_);
  if (error_number_ != 0) {
    text.append(": ").append(std::generic_category().message(error_number_));
  }
  return text;
}

}  // namespace apogee
