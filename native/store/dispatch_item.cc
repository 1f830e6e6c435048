#include "store/dispatch_item.h"

#include <algorithm>
#include <charconv>

#include "base/java_hash.h"
#include "store/multi_dispatch.h"

namespace apogee {
namespace {

constexpr char kNameEnd = 1;
constexpr char kPropertyEnd = 2;

void Keep(std::string_view name, std::string_view value, DispatchProperties* into) {
  if (name == "TAGS") into->tags = value;
  if (name == "KEYS") into->keys = value;
  if (name == "UNIQ_KEY") into->unique_key = value;
  if (name == "DELAY") into->delay_level = value;
  if (name == kMultiDispatchProperty) into->multi_dispatch = value;
  if (name == kMultiQueueOffsetProperty) into->multi_queue_offset = value;
}

// Java's Integer.parseInt for what brokers write; 0 for anything else.
int64_t ParseLevel(std::string_view text) {
  int32_t level = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), level);
  return error == std::errc() && stopped == text.data() + text.size() ? level : 0;
}

int64_t TagCode(const RecordView& record, const DispatchProperties& properties,
                std::span<const int64_t> delay_levels_ms) {
  if (record.fields.topic == kScheduleTopic && !delay_levels_ms.empty()) {
    const int64_t level =
        std::min(ParseLevel(properties.delay_level), static_cast<int64_t>(delay_levels_ms.size()));
    int64_t due_ms = 0;
    if (level > 0 &&
        !__builtin_add_overflow(record.fields.store_time_ms,
                                delay_levels_ms[static_cast<size_t>(level - 1)], &due_ms))
      return due_ms;
  }
  return properties.tags.empty() ? 0 : JavaHashCode(properties.tags);
}

}  // namespace

DispatchProperties ReadDispatchProperties(std::span<const uint8_t> properties) {
  DispatchProperties found;
  const std::string_view text(reinterpret_cast<const char*>(properties.data()), properties.size());
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(kPropertyEnd, at), text.size());
    const std::string_view property = text.substr(at, end - at);
    const size_t name_bytes = property.find(kNameEnd);
    if (name_bytes != std::string_view::npos && name_bytes > 0 &&
        name_bytes + 1 < property.size()) {
      Keep(property.substr(0, name_bytes), property.substr(name_bytes + 1), &found);
    }
    at = end + 1;
  }
  return found;
}

DispatchItem MakeDispatchItem(const RecordView& record, std::span<const int64_t> delay_levels_ms) {
  const MessageFields& fields = record.fields;
  const int32_t transaction = fields.sys_flag & kTransactionTypeMask;
  const DispatchProperties properties = ReadDispatchProperties(fields.properties);
  DispatchItem item;
  item.queued = transaction != kTransactionPrepared && transaction != kTransactionRollback;
  item.indexed = transaction != kTransactionRollback;
  item.topic = fields.topic;
  item.queue_id = fields.queue_id;
  item.queue_offset = fields.queue_offset;
  item.entry = {fields.physical_offset, static_cast<int32_t>(record.size_bytes),
                TagCode(record, properties, delay_levels_ms)};
  item.multi_queues = properties.multi_dispatch;
  item.multi_queue_offsets = properties.multi_queue_offset;
  item.properties = fields.properties;
  item.index = {fields.physical_offset, fields.store_time_ms, fields.topic, properties.unique_key,
                properties.keys};
  return item;
}

}  // namespace apogee
