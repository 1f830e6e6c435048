#include "format/message_record.h"

#include <atomic>
#include <cstddef>
#include <cstring>

#include "base/bytes.h"
#include "base/crc32.h"

namespace apogee {
namespace {

constexpr uint32_t kPortBytes = 4;
constexpr uint32_t kV4Bytes = 4;
constexpr uint32_t kV6Bytes = 16;
// Everything but hosts' addresses, body, topic and properties, with the one-byte topic length.
constexpr uint32_t kFixedBytesV1 = 83;
constexpr uint32_t kBornHostAt = 48;

uint32_t AddressBytes(const HostAddress& host) {
  return host.address_bytes == kV6Bytes ? kV6Bytes : kV4Bytes;
}

uint32_t BodyCrc(std::span<const uint8_t> body) { return Crc32(body) & 0x7FFFFFFFu; }

uint8_t* PutHost(uint8_t* at, const HostAddress& host) {
  const uint32_t bytes = AddressBytes(host);
  std::memcpy(at, host.address, bytes);
  StoreBe32(at + bytes, static_cast<uint32_t>(host.port));
  return at + bytes + kPortBytes;
}

uint8_t* PutBytes(uint8_t* at, const void* bytes, size_t count) {
  if (count > 0) std::memcpy(at, bytes, count);
  return at + count;
}

// Reads a record's parts front to back, never beyond its end. One failed read fails all later ones.
class RecordReader {
 public:
  explicit RecordReader(std::span<const uint8_t> record) : rest_(record) {}

  bool failed() const { return failed_; }
  size_t left() const { return rest_.size(); }

  std::span<const uint8_t> Bytes(size_t count) {
    if (failed_ || count > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto bytes = rest_.first(count);
    rest_ = rest_.subspan(count);
    return bytes;
  }
  uint8_t U8() {
    const auto bytes = Bytes(1);
    return failed_ ? uint8_t{0} : bytes[0];
  }
  uint16_t U16() {
    const auto bytes = Bytes(2);
    return failed_ ? uint16_t{0} : LoadBe16(bytes.data());
  }
  uint32_t U32() {
    const auto bytes = Bytes(4);
    return failed_ ? 0 : LoadBe32(bytes.data());
  }
  int32_t I32() { return static_cast<int32_t>(U32()); }
  int64_t I64() {
    const auto bytes = Bytes(8);
    return failed_ ? 0 : static_cast<int64_t>(LoadBe64(bytes.data()));
  }
  HostAddress Host(bool v6) {
    HostAddress host;
    host.address_bytes = static_cast<uint8_t>(v6 ? kV6Bytes : kV4Bytes);
    const auto bytes = Bytes(host.address_bytes);
    if (!failed_) std::memcpy(host.address, bytes.data(), bytes.size());
    host.port = I32();
    return host;
  }

 private:
  std::span<const uint8_t> rest_;
  bool failed_ = false;
};

RecordView Damaged(uint32_t size_bytes, std::string_view reason) {
  RecordView view;
  view.kind = RecordKind::kDamaged;
  view.size_bytes = size_bytes;
  view.reason = reason;
  return view;
}

// `record` is exactly as long as its total size says.
RecordView ParseMessage(std::span<const uint8_t> record, bool long_topic, bool check_crc) {
  const auto size_bytes = static_cast<uint32_t>(record.size());
  RecordReader reader(record.subspan(8));
  RecordView view;
  view.kind = RecordKind::kMessage;
  view.size_bytes = size_bytes;
  view.bytes = record;
  MessageFields& fields = view.fields;
  view.body_crc = reader.U32();
  fields.queue_id = reader.I32();
  fields.flag = reader.I32();
  fields.queue_offset = {reader.I64()};
  fields.physical_offset = {reader.I64()};
  fields.sys_flag = reader.I32();
  fields.born_time_ms = reader.I64();
  fields.born_host = reader.Host((fields.sys_flag & kSysFlagBornHostV6) != 0);
  fields.store_time_ms = reader.I64();
  fields.store_host = reader.Host((fields.sys_flag & kSysFlagStoreHostV6) != 0);
  fields.reconsume_times = reader.I32();
  fields.prepared_transaction_offset = reader.I64();
  // A length with its top bit set is negative to Java; as unsigned it is beyond every record.
  fields.body = reader.Bytes(reader.U32());
  const auto topic = reader.Bytes(long_topic ? reader.U16() : reader.U8());
  const uint16_t properties_bytes = reader.U16();
  if (properties_bytes > kMaxPropertiesBytes) {
    return Damaged(size_bytes, "negative properties length");
  }
  fields.properties = reader.Bytes(properties_bytes);
  if (reader.failed()) return Damaged(size_bytes, "a length runs over the record's end");
  if (reader.left() != 0) return Damaged(size_bytes, "lengths do not add up to the total size");
  fields.topic = {reinterpret_cast<const char*>(topic.data()), topic.size()};
  if (check_crc && BodyCrc(fields.body) != view.body_crc) {
    return Damaged(size_bytes, "body CRC does not match");
  }
  return view;
}

}  // namespace

uint32_t RecordSize(const MessageFields& fields) {
  return kFixedBytesV1 + AddressBytes(fields.born_host) + AddressBytes(fields.store_host) +
         static_cast<uint32_t>(fields.body.size() + fields.topic.size() + fields.properties.size());
}

void EncodeRecord(const MessageFields& fields, uint8_t* into) {
  uint32_t sys_flag = static_cast<uint32_t>(fields.sys_flag);
  sys_flag &= ~static_cast<uint32_t>(kSysFlagBornHostV6 | kSysFlagStoreHostV6);
  if (AddressBytes(fields.born_host) == kV6Bytes) sys_flag |= kSysFlagBornHostV6;
  if (AddressBytes(fields.store_host) == kV6Bytes) sys_flag |= kSysFlagStoreHostV6;

  StoreBe32(into, RecordSize(fields));
  StoreBe32(into + 8, BodyCrc(fields.body));
  StoreBe32(into + 12, static_cast<uint32_t>(fields.queue_id));
  StoreBe32(into + 16, static_cast<uint32_t>(fields.flag));
  StoreBe64(into + 20, static_cast<uint64_t>(fields.queue_offset.value));
  StoreBe64(into + 28, static_cast<uint64_t>(fields.physical_offset.value));
  StoreBe32(into + 36, sys_flag);
  StoreBe64(into + 40, static_cast<uint64_t>(fields.born_time_ms));
  uint8_t* at = PutHost(into + kBornHostAt, fields.born_host);
  StoreBe64(at, static_cast<uint64_t>(fields.store_time_ms));
  at = PutHost(at + 8, fields.store_host);
  StoreBe32(at, static_cast<uint32_t>(fields.reconsume_times));
  StoreBe64(at + 4, static_cast<uint64_t>(fields.prepared_transaction_offset));
  StoreBe32(at + 12, static_cast<uint32_t>(fields.body.size()));
  at = PutBytes(at + 16, fields.body.data(), fields.body.size());
  *at = static_cast<uint8_t>(fields.topic.size());
  at = PutBytes(at + 1, fields.topic.data(), fields.topic.size());
  StoreBe16(at, static_cast<uint16_t>(fields.properties.size()));
  PutBytes(at + 2, fields.properties.data(), fields.properties.size());
  // Last: what a killed process leaves half-written must not look like a message.
  std::atomic_signal_fence(std::memory_order_release);
  StoreBe32(into + 4, kMessageMagicV1);
}

RecordView ParseRecord(std::span<const uint8_t> bytes, bool check_crc) {
  if (bytes.size() < kBlankBytes) return {};
  const uint32_t size_bytes = LoadBe32(bytes.data());
  const uint32_t magic = LoadBe32(bytes.data() + 4);
  if (size_bytes == 0 || magic == 0) return {};
  const bool blank = magic == kBlankMagic;
  if (!blank && magic != kMessageMagicV1 && magic != kMessageMagicV2) {
    return Damaged(0, "unknown magic");
  }
  if (size_bytes < kBlankBytes || size_bytes > bytes.size()) {
    return Damaged(0, "total size is beyond what may be read");
  }
  if (blank) {
    RecordView view;
    view.kind = RecordKind::kBlank;
    view.size_bytes = size_bytes;
    return view;
  }
  return ParseMessage(bytes.first(size_bytes), magic == kMessageMagicV2, check_crc);
}

}  // namespace apogee
