#include "addon/store_options.h"

#include <arpa/inet.h>

#include <cstdint>
#include <utility>

#include "addon/arguments.h"
#include "format/extension_unit.h"

namespace apogee::addon {
namespace {

constexpr int64_t kMaxIntervalMs = 3600000;
constexpr int64_t kMaxStagingWaitMs = 60000;
constexpr uint32_t kMaxDelayLevels = 64;

// Properties of one options object. An absent one keeps the target's default; the first wrong one
// is remembered.
class OptionReader {
 public:
  OptionReader(const Napi::Object& from, std::string prefix, std::string& problem)
      : from_(from), prefix_(std::move(prefix)), problem_(problem) {}

  template <typename Integral>
  void Integer(const char* name, int64_t min, int64_t max, Integral* target) {
    const Napi::Value value = from_.Get(name);
    if (value.IsEmpty() || value.IsUndefined()) return;
    int64_t integer = 0;
    if (value.IsNumber() && ToInteger(value.As<Napi::Number>().DoubleValue(), min, max, &integer)) {
      *target = static_cast<Integral>(integer);
    } else {
      Refuse(name, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
    }
  }

  void Boolean(const char* name, bool* target) {
    const Napi::Value value = from_.Get(name);
    if (value.IsEmpty() || value.IsUndefined()) return;
    if (!value.IsBoolean()) return Refuse(name, "a boolean");
    *target = value.As<Napi::Boolean>().Value();
  }

  // A path: not empty, no zero byte.
  void Path(const char* name, std::string* target) {
    const Napi::Value value = from_.Get(name);
    if (value.IsEmpty() || value.IsUndefined()) return;
    if (!value.IsString()) return Refuse(name, "a string");
    std::string path = value.As<Napi::String>().Utf8Value();
    if (path.empty() || path.find('\0') != std::string::npos) return Refuse(name, "a path");
    *target = std::move(path);
  }

  void Refuse(const char* name, const std::string& expected) {
    if (problem_.empty()) problem_ = prefix_ + name + " is not " + expected;
  }

 private:
  const Napi::Object& from_;
  const std::string prefix_;
  std::string& problem_;
};

void ReadFlush(const Napi::Value& value, FlushOptions* flush, std::string& problem) {
  if (value.IsUndefined()) return;
  if (!value.IsObject()) {
    problem = "flush is not an object";
    return;
  }
  const Napi::Object object = value.As<Napi::Object>();
  OptionReader reader(object, "flush.", problem);
  const Napi::Value mode = object.Get("mode");
  const std::string name = mode.IsString() ? mode.As<Napi::String>().Utf8Value() : "";
  if (name != "async" && name != "sync") reader.Refuse("mode", "'async' or 'sync'");
  flush->mode = name == "sync" ? FlushMode::kSync : FlushMode::kAsync;
  reader.Integer("intervalMs", 1, kMaxIntervalMs, &flush->interval_ms);
  reader.Integer("leastPages", 0, 1000000, &flush->least_pages);
  reader.Integer("thoroughIntervalMs", 1, kMaxIntervalMs, &flush->thorough_interval_ms);
  reader.Integer("commitIntervalMs", 1, kMaxIntervalMs, &flush->commit_interval_ms);
  reader.Integer("commitLeastPages", 0, 1000000, &flush->commit_least_pages);
  reader.Integer("commitThoroughIntervalMs", 1, kMaxIntervalMs,
                 &flush->commit_thorough_interval_ms);
}

// One of the names, by its place among them.
template <typename Enum, size_t kCount>
void ReadChoice(const Napi::Value& value, const char* what, const char* const (&names)[kCount],
                Enum* target, std::string& problem) {
  if (value.IsUndefined() || !problem.empty()) return;
  const std::string given = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  std::string all;
  for (size_t i = 0; i < kCount; i++) {
    if (given == names[i]) {
      *target = static_cast<Enum>(i);
      return;
    }
    all.append(i == 0 ? "'" : ", '").append(names[i]).append("'");
  }
  problem = std::string(what) + " is not one of " + all;
}

void ReadWritePath(const Napi::Object& from, StoreOptions* options, std::string& problem) {
  static constexpr const char* kNames[] = {"auto", "mapped", "staged", "pool"};
  ReadChoice(from.Get("writePath"), "writePath", kNames, &options->write_path, problem);
  OptionReader reader(from, "", problem);
  reader.Integer("stagingBytes", kLeastStagingBytes, kMostStagingBytes, &options->staging_bytes);
  // An event loop has better things to do than to wait.
  options->staging_wait_ms = 0;
  reader.Integer("stagingWaitMs", 0, kMaxStagingWaitMs, &options->staging_wait_ms);
  reader.Boolean("directIo", &options->direct_io);
  reader.Boolean("dispatchDurableOnly", &options->dispatch_durable_only);
  reader.Boolean("warmSegments", &options->warm_segments);
  reader.Boolean("recycleSegments", &options->recycle_segments);
}

void ReadStoreHost(const Napi::Value& value, HostAddress* host, std::string& problem) {
  if (!value.IsObject()) {
    problem = "storeHost is not an object";
    return;
  }
  const Napi::Object object = value.As<Napi::Object>();
  OptionReader reader(object, "storeHost.", problem);
  const Napi::Value address = object.Get("address");
  const std::string literal = address.IsString() ? address.As<Napi::String>().Utf8Value() : "";
  if (inet_pton(AF_INET, literal.c_str(), host->address) == 1) {
    host->address_bytes = 4;
  } else if (inet_pton(AF_INET6, literal.c_str(), host->address) == 1) {
    host->address_bytes = 16;
  } else {
    reader.Refuse("address", "an IPv4 or IPv6 literal");
  }
  if (object.Get("port").IsUndefined()) reader.Refuse("port", "given");
  reader.Integer("port", 0, 65535, &host->port);
}

void ReadDelayLevels(const Napi::Value& value, std::vector<int64_t>* levels, std::string& problem) {
  if (value.IsUndefined()) return;
  if (!value.IsArray() || value.As<Napi::Array>().Length() > kMaxDelayLevels) {
    problem = "delayLevelsMs is not an array of at most " + std::to_string(kMaxDelayLevels);
    return;
  }
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Value level = array.Get(i);
    int64_t level_ms = 0;
    if (!level.IsNumber() ||
        !ToInteger(level.As<Napi::Number>().DoubleValue(), 0, kMaxSafeInteger, &level_ms)) {
      problem = "delayLevelsMs has a level that is no time in milliseconds";
      return;
    }
    levels->push_back(level_ms);
  }
}

// Hours of the day, 0 to 23, as bits.
void ReadHours(const Napi::Value& value, uint32_t* hours, std::string& problem) {
  if (value.IsUndefined()) return;
  const char* const expected = "retention.deleteHours is not an array of hours from 0 to 23";
  if (!value.IsArray()) {
    problem = expected;
    return;
  }
  const Napi::Array array = value.As<Napi::Array>();
  uint32_t bits = 0;
  for (uint32_t i = 0; i < array.Length() && problem.empty(); i++) {
    const Napi::Value hour = array.Get(i);
    int64_t number = 0;
    if (hour.IsNumber() && ToInteger(hour.As<Napi::Number>().DoubleValue(), 0, 23, &number)) {
      bits |= 1u << number;
    } else {
      problem = expected;
    }
  }
  if (problem.empty()) *hours = bits;
}

void ReadMultiDispatch(const Napi::Value& value, MultiDispatchOptions* options,
                       std::string& problem) {
  if (value.IsUndefined()) return;
  if (!value.IsObject()) {
    problem = "multiDispatch is not an object";
    return;
  }
  const Napi::Object object = value.As<Napi::Object>();
  OptionReader reader(object, "multiDispatch.", problem);
  reader.Boolean("enabled", &options->enabled);
  reader.Boolean("lmqEnabled", &options->lmq_enabled);
  reader.Integer("maxLmqQueues", 0, kMaxInt32, &options->max_lmq_queues);
}

void ReadConsumeQueueExt(const Napi::Value& value, ConsumeQueueExtOptions* options,
                         std::string& problem) {
  if (value.IsUndefined()) return;
  if (!value.IsObject()) {
    problem = "consumeQueueExt is not an object";
    return;
  }
  const Napi::Object object = value.As<Napi::Object>();
  OptionReader reader(object, "consumeQueueExt.", problem);
  reader.Boolean("enabled", &options->enabled);
  reader.Integer("fileBytes", kExtensionUnitBytes + kExtensionEndBytes, kMaxInt32,
                 &options->file_bytes);
  reader.Integer("bitMapBits", 0, kMaxInt32, &options->bit_map_bits);
}

}  // namespace

std::string ReadRetentionOptions(const Napi::Object& from, RetentionOptions* options) {
  std::string problem;
  OptionReader reader(from, "retention.", problem);
  reader.Integer("reservedMs", 1, kMaxSafeInteger, &options->reserved_ms);
  reader.Integer("cleanPercent", 1, 100, &options->clean_percent);
  reader.Integer("forcedPercent", 1, 100, &options->forced_percent);
  reader.Integer("refusePercent", 1, 100, &options->refuse_percent);
  reader.Integer("minFreeBytes", 0, kMaxSafeInteger, &options->min_free_bytes);
  reader.Boolean("cleanForcibly", &options->clean_forcibly);
  reader.Integer("cleanIntervalMs", 1, kMaxIntervalMs, &options->clean_interval_ms);
  reader.Integer("spaceIntervalMs", 1, kMaxIntervalMs, &options->space_interval_ms);
  reader.Integer("deleteSegmentIntervalMs", 0, kMaxIntervalMs,
                 &options->delete_segment_interval_ms);
  reader.Integer("deleteQueueFilesIntervalMs", 0, kMaxIntervalMs,
                 &options->delete_queue_files_interval_ms);
  reader.Integer("destroyPinnedAfterMs", 0, kMaxIntervalMs, &options->destroy_pinned_after_ms);
  if (problem.empty()) ReadHours(from.Get("deleteHours"), &options->delete_hours, problem);
  return problem;
}

std::string ReadStoreOptions(const Napi::Object& from, StoreOptions* options) {
  std::string problem;
  OptionReader reader(from, "", problem);
  reader.Path("rootDir", &options->root);
  if (options->root.empty()) reader.Refuse("rootDir", "given");
  options->commit_log_directory = options->root + "/commitlog";
  reader.Path("commitLogDir", &options->commit_log_directory);
  reader.Integer("segmentBytes", 4096, kMaxInt32, &options->segment_bytes);
  reader.Integer("consumeQueueFileBytes", 20, kMaxInt32, &options->consume_queue_file_bytes);
  reader.Integer("maxBodyBytes", 1, kMaxInt32, &options->max_body_bytes);
  reader.Boolean("indexEnabled", &options->index_enabled);
  reader.Integer("indexSlots", 1, 100000000, &options->index_slots);
  reader.Integer("indexItems", 1, 100000000, &options->index_items);
  reader.Boolean("checkCrcOnRecover", &options->check_crc_on_recover);
  reader.Integer("consumeQueueFlushIntervalMs", 1, kMaxIntervalMs,
                 &options->consume_queue_flush_interval_ms);
  ReadWritePath(from, options, problem);
  if (problem.empty()) ReadFlush(from.Get("flush"), &options->flush, problem);
  const Napi::Value retention = from.Get("retention");
  if (problem.empty() && retention.IsObject()) {
    problem = ReadRetentionOptions(retention.As<Napi::Object>(), &options->retention);
  } else if (problem.empty() && !retention.IsUndefined()) {
    problem = "retention is not an object";
  }
  if (problem.empty()) ReadStoreHost(from.Get("storeHost"), &options->store_host, problem);
  if (problem.empty())
    ReadDelayLevels(from.Get("delayLevelsMs"), &options->delay_levels_ms, problem);
  if (problem.empty())
    ReadMultiDispatch(from.Get("multiDispatch"), &options->multi_dispatch, problem);
  if (problem.empty())
    ReadConsumeQueueExt(from.Get("consumeQueueExt"), &options->consume_queue_ext, problem);
  return problem;
}

}  // namespace apogee::addon
