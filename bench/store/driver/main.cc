#include <cstdio>
#include <memory>

#include "backend.h"
#include "device_backend.h"
#include "engine_backend.h"
#include "java_like_backend.h"
#include "measurement.h"
#include "options.h"

namespace apogee::bench {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr double kNsPerUs = 1000;

int Fail(const std::string& why) {
  std::fprintf(stderr, "store_driver: %s\n", why.c_str());
  return kFailed;
}

void PrintWritePaths() {
  const char* separator = "";
  std::printf("[");
  for (const std::string& path : EngineWritePaths()) {
    std::printf("%s\"%s\"", separator, path.c_str());
    separator = ",";
  }
  std::printf("]\n");
}

void Print(const Measurement& m) {
  const auto us = [&](double fraction) {
    return static_cast<double>(m.latencies.Percentile(fraction)) / kNsPerUs;
  };
  std::printf("{\"operations\":%lld,\"seconds\":%.6f,\"logBytes\":%lld,",
              static_cast<long long>(m.operations), m.seconds, static_cast<long long>(m.log_bytes));
  std::printf("\"p50Us\":%.3f,\"p99Us\":%.3f,\"p999Us\":%.3f,\"maxUs\":%.3f,", us(0.5), us(0.99),
              us(0.999), static_cast<double>(m.latencies.max_ns()) / kNsPerUs);
  std::printf(
      "\"cpuUs\":%lld,\"deviceBytes\":%lld,\"residentBytes\":%lld,\"anonymousBytes\":%lld}\n",
      static_cast<long long>(m.cpu_us), static_cast<long long>(m.device_bytes),
      static_cast<long long>(m.memory.resident_bytes),
      static_cast<long long>(m.memory.anonymous_bytes));
}

std::unique_ptr<Backend> MakeBackend(const Options& options) {
  switch (options.system) {
    case System::kEngine:
      return std::make_unique<EngineBackend>(options);
    case System::kJavaLike:
      return std::make_unique<JavaLikeBackend>(options);
    case System::kDevice:
      break;
  }
  return std::make_unique<DeviceBackend>(options);
}

int Run(const Options& options) {
  const std::unique_ptr<Backend> backend = MakeBackend(options);
  if (const std::string wrong = backend->Open(); !wrong.empty()) return Fail(wrong);
  const auto measurement = std::make_unique<Measurement>();
  if (const std::string wrong = Measure(options, *backend, measurement.get()); !wrong.empty()) {
    return Fail(wrong);
  }
  if (const std::string wrong = backend->Close(); !wrong.empty()) return Fail(wrong);
  Print(*measurement);
  return 0;
}

}  // namespace
}  // namespace apogee::bench

int main(int argc, char** argv) {
  apogee::bench::Options options;
  if (const std::string wrong = apogee::bench::ParseOptions(argc, argv, &options); !wrong.empty()) {
    std::fprintf(stderr, "store_driver: %s\n%s", wrong.c_str(), apogee::bench::UsageText());
    return apogee::bench::kUsage;
  }
  if (options.help) {
    std::fputs(apogee::bench::UsageText(), stdout);
    return 0;
  }
  if (options.list_write_paths) {
    apogee::bench::PrintWritePaths();
    return 0;
  }
  return apogee::bench::Run(options);
}
