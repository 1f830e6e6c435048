// What the generator was asked to do: the command line, checked against its limits.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace apogee::bench {

enum class Mode { kSend, kPull };

// kCoalesced writes all requests of one readable event with one send(). kSingle makes one send() a
// request, which is what a Netty client without write batching does.
enum class SendStyle { kCoalesced, kSingle };

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

struct Options {
  Address address;
  Mode mode = Mode::kSend;
  SendStyle send_style = SendStyle::kCoalesced;
  int connections = 1;
  int in_flight = 1;  // per connection
  int body_bytes = 1024;
  int queues = 8;
  int batch = 32;  // messages asked for by one pull
  double duration_seconds = 6;
  double warm_up_seconds = 1;
  double drain_seconds = 5;  // how long late answers are waited for at the end
  int64_t max_requests = 0;  // 0: bounded by time only
  std::string topic = "BenchmarkTest";
  std::string broker_name = "broker-a";
  bool json = false;
  bool help = false;
};

// Reads the command line into `options`. Returns an empty string, or one sentence naming the option
// that is wrong. An address outside the loopback range is wrong.
std::string ParseOptions(int argc, char** argv, Options* options);

const char* UsageText();

}  // namespace apogee::bench
