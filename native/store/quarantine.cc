#include "store/quarantine.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <span>
#include <string_view>

namespace apogee {
namespace {

constexpr size_t kMaxFileBytes = 4 << 20;
constexpr size_t kMaxRanges = 10000;
constexpr std::string_view kLineStart = "    {\"from\": ";
constexpr std::string_view kToStart = ", \"to\": ";

bool TakeNumber(std::string_view* text, int64_t* value) {
  const char* const end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, *value);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(stopped - text->data()));
  return true;
}

// The range that a line of our own file is about. False for any other line.
bool ReadLine(std::string_view line, int64_t* from, int64_t* to) {
  if (!line.starts_with(kLineStart) || !line.ends_with('}')) return false;
  line.remove_prefix(kLineStart.size());
  if (!TakeNumber(&line, from) || !line.starts_with(kToStart)) return false;
  line.remove_prefix(kToStart.size());
  return TakeNumber(&line, to);
}

Status ReadWhole(StoreIo& io, const std::string& path, std::string* text) {
  text->clear();
  if (!io.Exists(path)) return Status::Ok();
  std::unique_ptr<StoreFile> file;
  uint64_t size_bytes = 0;
  APOGEE_RETURN_IF_ERROR(io.Open(path, StoreIo::OpenMode::kRead, &file));
  APOGEE_RETURN_IF_ERROR(file->Size(&size_bytes));
  text->resize(std::min<uint64_t>(size_bytes, kMaxFileBytes));
  size_t read_bytes = 0;
  APOGEE_RETURN_IF_ERROR(
      file->Read(0, {reinterpret_cast<uint8_t*>(text->data()), text->size()}, &read_bytes));
  text->resize(read_bytes);
  return Status::Ok();
}

std::string Line(const DamagedRange& range, int64_t now_ms) {
  std::string line(kLineStart);
  line += std::to_string(range.from.value);
  line += kToStart;
  line += std::to_string(range.to.value) + ", \"reason\": \"" + range.reason +
          "\", \"foundAtMs\": " + std::to_string(now_ms) + '}';
  return line;
}

}  // namespace

void Quarantine::Add(DamagedRange range) {
  const auto before = [](const DamagedRange& a, const DamagedRange& b) { return a.from < b.from; };
  const auto at = ranges_.insert(std::upper_bound(ranges_.begin(), ranges_.end(), range, before),
                                 std::move(range));
  auto keep = at == ranges_.begin() || std::prev(at)->to < at->from ? at : std::prev(at);
  while (std::next(keep) != ranges_.end() && std::next(keep)->from <= keep->to) {
    keep->to = std::max(keep->to, std::next(keep)->to);
    keep = std::prev(ranges_.erase(std::next(keep)));
  }
}

const DamagedRange* Quarantine::FindHolding(PhysicalOffset offset) const {
  const auto behind =
      std::ranges::upper_bound(ranges_, offset, {}, [](const DamagedRange& r) { return r.from; });
  if (behind == ranges_.begin() || offset >= std::prev(behind)->to) return nullptr;
  return &*std::prev(behind);
}

PhysicalOffset Quarantine::Behind(PhysicalOffset offset) const {
  const DamagedRange* const holding = FindHolding(offset);
  return holding == nullptr ? offset : holding->to;
}

Status WriteQuarantine(StoreIo& io, const std::string& root, PhysicalOffset log_min, int64_t now_ms,
                       const std::vector<DamagedRange>& found) {
  const std::string path = root + "/quarantine.json";
  std::string old;
  APOGEE_RETURN_IF_ERROR(ReadWhole(io, path, &old));
  std::map<int64_t, std::string> lines;
  for (size_t at = 0; at < old.size();) {
    const size_t end = std::min(old.find('\n', at), old.size());
    std::string_view line = std::string_view(old).substr(at, end - at);
    if (line.ends_with(',')) line.remove_suffix(1);
    int64_t from = 0;
    int64_t to = 0;
    if (ReadLine(line, &from, &to) && to > log_min.value) lines.emplace(from, line);
    at = end + 1;
  }
  for (const DamagedRange& range : found) {
    if (lines.size() < kMaxRanges) lines.emplace(range.from.value, Line(range, now_ms));
  }
  std::string text = "{\n  \"version\": 1,\n  \"ranges\": [";
  const char* separator = "\n";
  for (const auto& [from, line] : lines) {
    text += separator + line;
    separator = ",\n";
  }
  text += "\n  ]\n}\n";
  if (text == old) return Status::Ok();

  const std::string temporary = path + ".tmp";
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(io.Open(temporary, StoreIo::OpenMode::kCreate, &file));
  APOGEE_RETURN_IF_ERROR(file->Truncate(0));
  APOGEE_RETURN_IF_ERROR(
      file->Write(0, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
  APOGEE_RETURN_IF_ERROR(file->Sync());
  APOGEE_RETURN_IF_ERROR(io.Rename(temporary, path));
  return io.SyncDirectory(root);
}

}  // namespace apogee
