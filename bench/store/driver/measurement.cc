#include "measurement.h"

#include "backend.h"
#include "load.h"

namespace apogee::bench {
namespace {

int64_t Ns(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

}  // namespace

std::string Measure(const Options& options, Backend& backend, Measurement* into) {
  const std::unique_ptr<LoadRun> load = MakeLoad(options, backend);
  if (std::string wrong = load->Fill(); !wrong.empty()) return wrong;
  LatencyHistogram ignored;
  std::string wrong =
      load->RunUntil(NowNs() + Ns(options.warm_up_seconds), options.max_bytes / 4, &ignored);
  if (!wrong.empty()) return wrong;

  const int64_t operations_before = load->operations();
  const int64_t end_before = load->end();
  const ProcessCounters before = ReadCounters(options.device_stat);
  const int64_t begin = NowNs();
  wrong = load->RunUntil(begin + Ns(options.seconds), options.max_bytes, &into->latencies);
  if (!wrong.empty()) return wrong;
  into->seconds = static_cast<double>(NowNs() - begin) / 1e9;
  into->cpu_us = ReadCounters(options.device_stat).cpu_us - before.cpu_us;
  into->operations = load->operations() - operations_before;
  into->log_bytes = load->end() - end_before;
  into->memory = ReadMemoryUse();

  backend.RequestFlush(load->end());
  if (load->end() > 0) wrong = backend.WaitFlushed(load->end() - 1);
  const ProcessCounters after = ReadCounters(options.device_stat);
  if (before.device_bytes_written >= 0 && after.device_bytes_written >= 0) {
    into->device_bytes = after.device_bytes_written - before.device_bytes_written;
  }
  return wrong;
}

}  // namespace apogee::bench
