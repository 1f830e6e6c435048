#include "store/retention_file.h"

#include <cstdio>
#include <memory>
#include <span>
#include <sstream>
#include <vector>

#include "base/crc32.h"
#include "queue/topic_table.h"

namespace apogee {
namespace {

constexpr uint64_t kMaxFileBytes = 4u << 20;

std::string PathOf(const std::string& root) { return root + "/retention.txt"; }

std::span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string CrcLine(const std::string& text) {
  char line[32];
  std::snprintf(line, sizeof line, "crc32 %08x\n", Crc32(Bytes(text)));
  return line;
}

bool Parse(const std::string& text, RetentionState* state) {
  const size_t end = text.rfind("crc32 ");
  if (end == std::string::npos || text.substr(end) != CrcLine(text.substr(0, end))) return false;
  std::istringstream lines(text.substr(0, end));
  std::string kind;
  while (lines >> kind) {
    std::string name;
    TopicRetention topic;
    if (kind == "verified") {
      if (!(lines >> state->verified_ms)) return false;
    } else if (kind == "doubted") {
      if (!(lines >> state->doubted)) return false;
    } else if (kind == "topic" && lines >> name >> topic.time_ms >> topic.bytes) {
      if (!IsValidTopicName(name) || state->topics.size() >= kMaxRetainedTopics) return false;
      state->topics[name] = topic;
    } else {
      return false;
    }
  }
  return true;
}

Status ReadText(StoreIo& io, const std::string& path, std::string* text) {
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(io.Open(path, StoreIo::OpenMode::kRead, &file));
  uint64_t size_bytes = 0;
  APOGEE_RETURN_IF_ERROR(file->Size(&size_bytes));
  if (size_bytes > kMaxFileBytes) return Status::Error(StatusCode::kCorruption, path);
  std::vector<uint8_t> bytes(size_bytes);
  size_t read_bytes = 0;
  APOGEE_RETURN_IF_ERROR(file->Read(0, bytes, &read_bytes));
  text->assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(read_bytes));
  return Status::Ok();
}

}  // namespace

Status LoadRetention(StoreIo& io, const std::string& root, RetentionState* state,
                     std::string* note) {
  const std::string path = PathOf(root);
  if (!io.Exists(path)) return Status::Ok();
  std::string text;
  const Status read = ReadText(io, path, &text);
  RetentionState found;
  if (!read.ok() && read.code() != StatusCode::kCorruption) return read;
  if (read.ok() && Parse(text, &found)) {
    *state = std::move(found);
  } else {
    *note = path + " is damaged: topics are kept as long as the log is, until set again";
  }
  return Status::Ok();
}

Status SaveRetention(StoreIo& io, const std::string& root, const RetentionState& state) {
  std::string text = "verified " + std::to_string(state.verified_ms) + '\n';
  if (state.doubted) text += "doubted 1\n";
  for (const auto& [name, topic] : state.topics) {
    text += "topic " + name + ' ' + std::to_string(topic.time_ms) + ' ' +
            std::to_string(topic.bytes) + '\n';
  }
  text += CrcLine(text);
  const std::string path = PathOf(root);
  const std::string written = path + ".tmp";
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(io.Open(written, StoreIo::OpenMode::kCreate, &file));
  APOGEE_RETURN_IF_ERROR(file->Truncate(0));
  APOGEE_RETURN_IF_ERROR(file->Write(0, Bytes(text)));
  APOGEE_RETURN_IF_ERROR(file->Sync());
  APOGEE_RETURN_IF_ERROR(io.Rename(written, path));
  return io.SyncDirectory(root);
}

}  // namespace apogee
