#include "options.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace apogee::bench {
namespace {

constexpr int kMaxConnections = 4096;
constexpr int kMaxInFlight = 65536;
constexpr int kMaxBodyBytes = 4 * 1024 * 1024;
constexpr int kMaxQueues = 1024;
constexpr int kMaxBatch = 1024;
constexpr int kMaxDurationSeconds = 3600;
constexpr int64_t kMaxRequests = 1'000'000'000;
constexpr int64_t kMaxBytesInFlight = 1LL << 30;
constexpr size_t kMaxNameLength = 127;

bool ParseInt(std::string_view text, int64_t low, int64_t high, int64_t* value) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && rest == end && *value >= low && *value <= high;
}

bool ParseInt(std::string_view text, int low, int high, int* value) {
  int64_t wide = 0;
  if (!ParseInt(text, static_cast<int64_t>(low), static_cast<int64_t>(high), &wide)) return false;
  *value = static_cast<int>(wide);
  return true;
}

bool ParseSeconds(const std::string& text, double low, double* value) {
  char* end = nullptr;
  *value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !std::isfinite(*value)) return false;
  return *value >= low && *value <= kMaxDurationSeconds;
}

bool ParseName(const std::string& text, std::string* value) {
  if (text.empty() || text.size() > kMaxNameLength) return false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '%') return false;
  }
  *value = text;
  return true;
}

// HOST:PORT with a literal loopback host: 127.0.0.0/8, [::1], or the word localhost.
std::string ParseAddress(const std::string& text, Address* address) {
  const size_t colon = text.rfind(':');
  int port = 0;
  if (colon == std::string::npos ||
      !ParseInt(std::string_view(text).substr(colon + 1), 1, 65535, &port)) {
    return "--address must be HOST:PORT, not " + text;
  }
  std::string host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host == "[::1]") {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address->storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_addr = in6addr_loopback;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    address->size = sizeof(sockaddr_in6);
    return {};
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address->storage);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(static_cast<uint16_t>(port));
  const bool parsed = inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1;
  if (!parsed || (ntohl(v4->sin_addr.s_addr) >> 24) != 127) {
    return "--address must be a loopback address (127.x.x.x, [::1] or localhost), not " + host;
  }
  address->size = sizeof(sockaddr_in);
  return {};
}

bool ParseChoice(const std::string& text, const char* first, const char* second, bool* is_second) {
  *is_second = text == second;
  return *is_second || text == first;
}

// Applies one option that takes a value. Returns an empty string or what is wrong with it.
std::string Apply(const std::string& name, const std::string& value, Options* o) {
  bool second = false;
  bool ok = false;
  if (name == "--address") return ParseAddress(value, &o->address);
  if (name == "--mode") {
    ok = ParseChoice(value, "send", "pull", &second);
    o->mode = second ? Mode::kPull : Mode::kSend;
  } else if (name == "--send-style") {
    ok = ParseChoice(value, "coalesced", "single", &second);
    o->send_style = second ? SendStyle::kSingle : SendStyle::kCoalesced;
  } else if (name == "--connections") {
    ok = ParseInt(value, 1, kMaxConnections, &o->connections);
  } else if (name == "--in-flight") {
    ok = ParseInt(value, 1, kMaxInFlight, &o->in_flight);
  } else if (name == "--body") {
    ok = ParseInt(value, 0, kMaxBodyBytes, &o->body_bytes);
  } else if (name == "--queues") {
    ok = ParseInt(value, 1, kMaxQueues, &o->queues);
  } else if (name == "--batch") {
    ok = ParseInt(value, 1, kMaxBatch, &o->batch);
  } else if (name == "--duration") {
    ok = ParseSeconds(value, 0.01, &o->duration_seconds);
  } else if (name == "--warm-up") {
    ok = ParseSeconds(value, 0, &o->warm_up_seconds);
  } else if (name == "--drain") {
    ok = ParseSeconds(value, 0, &o->drain_seconds);
  } else if (name == "--max-requests") {
    ok = ParseInt(value, 0, kMaxRequests, &o->max_requests);
  } else if (name == "--topic") {
    ok = ParseName(value, &o->topic);
  } else if (name == "--broker-name") {
    ok = ParseName(value, &o->broker_name);
  } else {
    return "unknown option " + name;
  }
  return ok ? std::string() : "the value of " + name + " is not allowed: " + value;
}

}  // namespace

std::string ParseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--json") {
      options->json = true;
    } else if (name == "--help") {
      options->help = true;
    } else if (i + 1 == argc) {
      return "option " + name + " is unknown or lacks its value";
    } else if (std::string wrong = Apply(name, argv[++i], options); !wrong.empty()) {
      return wrong;
    }
  }
  if (options->help) return {};
  if (options->address.size == 0) return "--address HOST:PORT is required";
  const int64_t requests = static_cast<int64_t>(options->connections) * options->in_flight;
  const int64_t bytes_each = 1024 + (options->mode == Mode::kSend ? options->body_bytes : 0);
  if (requests * bytes_each > kMaxBytesInFlight) {
    return "connections x in flight x body is more than 1 GiB";
  }
  return {};
}

const char* UsageText() {
  return "usage: loadgen --address HOST:PORT [options]\n"
         "  --mode send|pull               what each request does (send)\n"
         "  --connections N                TCP connections (1)\n"
         "  --in-flight N                  outstanding requests of each connection (1)\n"
         "  --body BYTES                   message body (1024)\n"
         "  --duration S                   measured seconds (6)\n"
         "  --warm-up S                    unmeasured seconds before (1)\n"
         "  --drain S                      seconds to wait for late answers at the end (5)\n"
         "  --max-requests N               stop after N requests, 0: by time only (0)\n"
         "  --topic NAME --queues N        where to (BenchmarkTest, 8)\n"
         "  --batch N                      messages asked for by one pull (32)\n"
         "  --broker-name NAME             broker name in the headers (broker-a)\n"
         "  --send-style coalesced|single  one send() a readable event, or one a request "
         "(coalesced)\n"
         "  --json                         print one JSON object\n"
         "Only loopback addresses are accepted.\n";
}

}  // namespace apogee::bench
