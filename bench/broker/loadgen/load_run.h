// One run: open the connections, keep them busy through a warm-up and a measured window, then wait
// for what is still outstanding. Thread: one, the caller's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connection.h"
#include "options.h"
#include "request_encoder.h"
#include "run_state.h"

namespace apogee::bench {

class LoadRun {
 public:
  explicit LoadRun(const Options& options);
  ~LoadRun();
  LoadRun(const LoadRun&) = delete;
  LoadRun& operator=(const LoadRun&) = delete;

  // Ends by itself after warm-up + duration + drain at the latest, once the connections are open.
  // Returns an empty string, or why the run could not start; refused and lost requests are counted
  // in state().
  std::string Execute();

  const RunState& state() const { return run_; }
  double measured_seconds() const { return measured_seconds_; }
  double cpu_share() const { return cpu_share_; }  // of one core, by this process while it measured
  int header_bytes() const { return encoder_.header_bytes(); }
  int64_t bytes_received() const;

 private:
  std::string OpenAll();
  std::string Watch(Connection& connection);
  void Loop();
  // Serves events until `deadline_ns`, or until nothing more can happen.
  void ServeUntil(uint64_t deadline_ns);
  void Serve(uint32_t index, uint32_t events);
  void UpdateInterest(uint32_t index);
  bool Finished() const;

  const Options& options_;
  RequestEncoder encoder_;
  ReceiveBuffer received_;
  RunState run_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<bool> watches_write_;
  int epoll_ = -1;
  int open_connections_ = 0;
  double measured_seconds_ = 0;
  double cpu_share_ = 0;
};

}  // namespace apogee::bench
