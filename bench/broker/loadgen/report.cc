#include "report.h"

#include <cstdio>

namespace apogee::bench {
namespace {

const char* ModeName(Mode mode) { return mode == Mode::kSend ? "send" : "pull"; }
const char* StyleName(SendStyle style) {
  return style == SendStyle::kCoalesced ? "coalesced" : "single";
}

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += ' ';
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string Number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string Micros(uint64_t ns) { return Number(static_cast<double>(ns) / 1000.0); }

double OpsPerSecond(const LoadRun& run) {
  return static_cast<double>(run.state().latencies().total()) / run.measured_seconds();
}

double MessagesPerSecond(const LoadRun& run) {
  return static_cast<double>(run.state().messages()) / run.measured_seconds();
}

class JsonObject {
 public:
  JsonObject& Raw(const char* key, const std::string& value) {
    text_ += text_.size() == 1 ? "\"" : ",\"";
    text_ += key;
    text_ += "\":" + value;
    return *this;
  }
  JsonObject& Integer(const char* key, int64_t value) { return Raw(key, std::to_string(value)); }
  JsonObject& Text(const char* key, const std::string& value) { return Raw(key, Quoted(value)); }
  std::string Close() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

std::string ResponseCodes(const RunState& state) {
  JsonObject codes;
  for (const auto& [code, count] : state.response_codes())
    codes.Integer(std::to_string(code).c_str(), count);
  return codes.Close();
}

}  // namespace

std::string JsonReport(const Options& options, const LoadRun& run) {
  const RunState& state = run.state();
  const LatencyHistogram& latencies = state.latencies();
  JsonObject json;
  json.Text("mode", ModeName(options.mode)).Text("sendStyle", StyleName(options.send_style));
  json.Integer("connections", options.connections).Integer("inFlight", options.in_flight);
  json.Integer("bodyBytes", options.body_bytes).Integer("headerBytes", run.header_bytes());
  json.Raw("measuredSeconds", Number(run.measured_seconds()));
  json.Integer("operations", static_cast<int64_t>(latencies.total()))
      .Integer("messages", state.messages());
  json.Raw("opsPerSecond", Number(OpsPerSecond(run)))
      .Raw("messagesPerSecond", Number(MessagesPerSecond(run)));
  json.Raw("meanUs", Number(latencies.mean_ns() / 1000.0));
  json.Raw("p50Us", Micros(latencies.Percentile(0.5)))
      .Raw("p99Us", Micros(latencies.Percentile(0.99)));
  json.Raw("p999Us", Micros(latencies.Percentile(0.999))).Raw("maxUs", Micros(latencies.max_ns()));
  json.Integer("sent", state.sent()).Integer("answered", state.answered());
  json.Integer("unanswered", state.unanswered()).Integer("errors", state.errors());
  json.Raw("responseCodes", ResponseCodes(state));
  json.Raw("firstError", state.first_error().empty() ? "null" : Quoted(state.first_error()));
  json.Integer("bytesReceived", run.bytes_received())
      .Raw("generatorCpu", Number(run.cpu_share() * 100));
  return json.Close() + "\n";
}

std::string TextReport(const Options& options, const LoadRun& run) {
  const RunState& state = run.state();
  const LatencyHistogram& latencies = state.latencies();
  char text[512];
  std::snprintf(text, sizeof text,
                "%s %d x %d, %d bytes: %.0f requests/s, %.0f messages/s over %.1f s\n"
                "latency us: p50 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n"
                "sent %lld, answered %lld, errors %lld\n",
                ModeName(options.mode), options.connections, options.in_flight, options.body_bytes,
                OpsPerSecond(run), MessagesPerSecond(run), run.measured_seconds(),
                static_cast<double>(latencies.Percentile(0.5)) / 1e3,
                static_cast<double>(latencies.Percentile(0.99)) / 1e3,
                static_cast<double>(latencies.Percentile(0.999)) / 1e3,
                static_cast<double>(latencies.max_ns()) / 1e3, static_cast<long long>(state.sent()),
                static_cast<long long>(state.answered()), static_cast<long long>(state.errors()));
  return state.first_error().empty() ? text : text + ("first error: " + state.first_error() + "\n");
}

}  // namespace apogee::bench
