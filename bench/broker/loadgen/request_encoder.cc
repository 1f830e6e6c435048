#include "request_encoder.h"

#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>

namespace apogee::bench {
namespace {

constexpr size_t kPoolBytes = 64 * 1024;
constexpr size_t kBodyStep =
    977;  // a prime: successive bodies start at different bytes of the pool
constexpr size_t kUniqueDigits = 12;
constexpr size_t kBornDigits = 13;
constexpr size_t kOpaqueDigits = 7;
constexpr const char* kUniquePlace = "############";
constexpr const char* kBornPlace = "@@@@@@@@@@@@@";
constexpr const char* kOpaquePlace = "!!!!!!!";

// Fields that follow extFields. 409 is the version number of the 4.9.8 client.
std::string Tail() {
  return std::string("},\"flag\":0,\"language\":\"JAVA\",\"opaque\":") + kOpaquePlace +
         ",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":409}";
}

void PutBigEndian32(uint32_t value, char* at) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (24 - 8 * i));
}

void PutDecimal(uint64_t value, size_t digits, char* at) {
  for (size_t i = digits; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

void PutHex(uint64_t value, size_t digits, char* at) {
  for (size_t i = digits; i-- > 0; value >>= 4) at[i] = "0123456789ABCDEF"[value & 15];
}

std::string RandomBytes(size_t count) {
  std::mt19937_64 random(20240229);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

}  // namespace

RequestEncoder::RequestEncoder(const Options& options)
    : options_(options),
      body_pool_(RandomBytes(kPoolBytes + static_cast<size_t>(options.body_bytes))) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto nanos = static_cast<uint64_t>(std::chrono::nanoseconds(now).count());
  char prefix[21];
  std::snprintf(prefix, sizeof prefix, "7F000001%04X%08X", static_cast<unsigned>(getpid()) & 0xFFFF,
                static_cast<unsigned>(nanos ^ (nanos >> 32)));
  unique_prefix_ = prefix;
  unique_counter_ = nanos;
  for (int queue = 0; queue < options.queues; ++queue) {
    if (options.mode == Mode::kSend) {
      sends_.push_back(MakeSend(queue));
    } else {
      pulls_.push_back(MakePull(queue));
    }
  }
  if (options.mode == Mode::kSend) {
    header_bytes_ = static_cast<int>(sends_[0].head.size()) - 8;
  } else {
    const PullTemplate& pull = pulls_[0];
    header_bytes_ =
        static_cast<int>(pull.before_offset.size() + pull.before_opaque.size() + pull.tail.size()) +
        1 - 8 + static_cast<int>(kOpaqueDigits);
  }
}

RequestEncoder::SendTemplate RequestEncoder::MakeSend(int queue_id) const {
  const std::string properties = std::string("UNIQ_KEY\\u0001") + unique_prefix_ + kUniquePlace +
                                 "\\u0002WAIT\\u0001true\\u0002TAGS\\u0001TagA";
  const std::string header = "{\"code\":310,\"extFields\":{\"a\":\"bench_pg\",\"b\":\"" +
                             options_.topic + "\",\"c\":\"TBW102\",\"d\":\"4\",\"e\":\"" +
                             std::to_string(queue_id) + "\",\"f\":\"0\",\"g\":\"" + kBornPlace +
                             "\",\"h\":\"0\",\"i\":\"" + properties +
                             "\",\"j\":\"0\",\"k\":\"false\",\"m\":\"false\",\"n\":\"" +
                             options_.broker_name + "\"" + Tail();
  SendTemplate made;
  made.head = std::string(8, '\0') + header;
  PutBigEndian32(
      static_cast<uint32_t>(4 + header.size()) + static_cast<uint32_t>(options_.body_bytes),
      made.head.data());
  PutBigEndian32(static_cast<uint32_t>(header.size()), made.head.data() + 4);
  made.unique_at = made.head.find(kUniquePlace);
  made.born_at = made.head.find(kBornPlace);
  made.opaque_at = made.head.find(kOpaquePlace);
  return made;
}

// The order of the fields is the one in which the Java client's hash map yields them.
RequestEncoder::PullTemplate RequestEncoder::MakePull(int queue_id) const {
  constexpr int kSubscriptionFlag = 4;  // the request carries its subscription; do not hold it
  const std::string tail = Tail();
  PullTemplate made;
  made.before_offset =
      std::string(8, '\0') + "{\"code\":11,\"extFields\":{\"queueId\":\"" +
      std::to_string(queue_id) + "\",\"maxMsgNums\":\"" + std::to_string(options_.batch) +
      "\",\"sysFlag\":\"" + std::to_string(kSubscriptionFlag) +
      "\",\"suspendTimeoutMillis\":\"15000\",\"commitOffset\":\"0\",\"bname\":\"" +
      options_.broker_name + "\",\"topic\":\"" + options_.topic + "\",\"queueOffset\":\"";
  const size_t place = tail.find(kOpaquePlace);
  made.before_opaque =
      "\",\"expressionType\":\"TAG\",\"subscription\":\"*\",\"subVersion\":\"1700000000000\","
      "\"consumerGroup\":\"bench_cg\"" +
      tail.substr(0, place);
  made.tail = tail.substr(place + kOpaqueDigits);
  return made;
}

void RequestEncoder::AppendSend(int queue_id, int64_t opaque, int64_t born_ms,
                                std::vector<char>* out) {
  const SendTemplate& from = sends_[static_cast<size_t>(queue_id)];
  const size_t start = out->size();
  const auto body_bytes = static_cast<size_t>(options_.body_bytes);
  const char* body = body_pool_.data() + (body_counter_++ * kBodyStep) % kPoolBytes;
  out->insert(out->end(), from.head.begin(), from.head.end());
  out->insert(out->end(), body, body + body_bytes);
  char* frame = out->data() + start;
  PutHex(unique_counter_++, kUniqueDigits, frame + from.unique_at);
  PutDecimal(static_cast<uint64_t>(born_ms), kBornDigits, frame + from.born_at);
  PutDecimal(static_cast<uint64_t>(opaque), kOpaqueDigits, frame + from.opaque_at);
}

void RequestEncoder::AppendPull(int queue_id, int64_t queue_offset, int64_t opaque,
                                std::vector<char>* out) const {
  const PullTemplate& from = pulls_[static_cast<size_t>(queue_id)];
  const size_t start = out->size();
  char digits[20];
  char* const digits_end = std::to_chars(digits, digits + sizeof digits, queue_offset).ptr;
  char opaque_digits[kOpaqueDigits];
  PutDecimal(static_cast<uint64_t>(opaque), kOpaqueDigits, opaque_digits);
  out->insert(out->end(), from.before_offset.begin(), from.before_offset.end());
  out->insert(out->end(), std::begin(digits), digits_end);
  out->insert(out->end(), from.before_opaque.begin(), from.before_opaque.end());
  out->insert(out->end(), opaque_digits, opaque_digits + kOpaqueDigits);
  out->insert(out->end(), from.tail.begin(), from.tail.end());
  const auto header_bytes = static_cast<uint32_t>(out->size() - start) - 8;
  PutBigEndian32(header_bytes + 4, out->data() + start);
  PutBigEndian32(header_bytes, out->data() + start + 4);
}

}  // namespace apogee::bench
