#include "format/index_layout.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <limits>

#include "base/bytes.h"
#include "base/java_hash.h"

namespace apogee {
namespace {

int32_t LoadInt(const uint8_t* from) { return static_cast<int32_t>(LoadBe32(from)); }
int64_t LoadLong(const uint8_t* from) { return static_cast<int64_t>(LoadBe64(from)); }
void StoreInt(uint8_t* into, int32_t value) { StoreBe32(into, static_cast<uint32_t>(value)); }
void StoreLong(uint8_t* into, int64_t value) { StoreBe64(into, static_cast<uint64_t>(value)); }

}  // namespace

void EncodeIndexHeader(const IndexHeader& header, uint8_t* into) {
  StoreLong(into, header.begin_time_ms);
  StoreLong(into + 8, header.end_time_ms);
  StoreLong(into + 16, header.begin_offset);
  StoreLong(into + 24, header.end_offset);
  StoreInt(into + 32, header.used_slots);
  StoreInt(into + 36, header.count);
}

IndexHeader DecodeIndexHeader(const uint8_t* from) {
  return {LoadLong(from),      LoadLong(from + 8), LoadLong(from + 16),
          LoadLong(from + 24), LoadInt(from + 32), LoadInt(from + 36)};
}

void EncodeIndexItem(const IndexItem& item, uint8_t* into) {
  StoreInt(into, item.key_hash);
  StoreLong(into + 4, item.physical_offset);
  StoreInt(into + 12, item.seconds);
  StoreInt(into + 16, item.previous);
}

IndexItem DecodeIndexItem(const uint8_t* from) {
  return {LoadInt(from), LoadLong(from + 4), LoadInt(from + 12), LoadInt(from + 16)};
}

int32_t IndexKeyHash(std::string_view index_key) {
  const int32_t hash = JavaHashCode(index_key);
  if (hash == std::numeric_limits<int32_t>::min()) return 0;
  return hash < 0 ? -hash : hash;
}

std::string IndexKey(std::string_view topic, std::string_view key) {
  std::string text;
  text.reserve(topic.size() + 1 + key.size());
  text.append(topic).append(1, '#').append(key);
  return text;
}

int32_t IndexSeconds(int64_t store_time_ms, int64_t begin_time_ms) {
  if (begin_time_ms <= 0 || store_time_ms <= begin_time_ms) return 0;
  const int64_t seconds = (store_time_ms - begin_time_ms) / 1000;
  return static_cast<int32_t>(std::min<int64_t>(seconds, std::numeric_limits<int32_t>::max()));
}

int64_t IndexTimeMs(int64_t begin_time_ms, int32_t seconds) {
  // Far from the ends, so that callers may add a second.
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 2;
  return std::clamp(begin_time_ms, -kMost, kMost) + int64_t{seconds} * 1000;
}

std::string IndexFileName(int64_t time_ms) {
  const auto seconds = static_cast<time_t>(time_ms / 1000);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &local);
  std::snprintf(text + length, sizeof text - length, "%03d", static_cast<int>(time_ms % 1000));
  return text;
}

}  // namespace apogee
