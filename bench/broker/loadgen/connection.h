// One TCP connection that keeps a fixed number of requests outstanding: each answer frees a slot,
// and each free slot is filled again with the requests of the same readable event.
//
// Thread: one. Failure: a connection that breaks counts its outstanding requests as errors, closes
// itself and stays closed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "options.h"
#include "request_encoder.h"
#include "response_scanner.h"
#include "run_state.h"

namespace apogee::bench {

// Where all connections receive. A frame that arrived in part is kept by its connection.
class ReceiveBuffer {
 public:
  static constexpr size_t kMaxFrameBytes = 17 * 1024 * 1024;
  static constexpr size_t kReadBytes = 1024 * 1024;

  char* data() { return bytes_.get(); }

 private:
  std::unique_ptr<char[]> bytes_{new char[kMaxFrameBytes + kReadBytes]};
};

class Connection {
 public:
  Connection(const Options& options, int index, RequestEncoder& encoder, ReceiveBuffer& received,
             RunState& run);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Waits up to 5 s. Returns an empty string or what went wrong.
  std::string Open();

  // Sends a request for every free slot as long as the run gives tickets.
  void Fill();
  void OnReadable();
  void OnWritable();

  // Gives up on the requests that are still waiting.
  void Close(const std::string& reason);

  int fd() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  bool has_waiting() const { return open() && free_slots_.size() < slots_.size(); }
  bool wants_write() const { return written_ < out_.size(); }
  int64_t bytes_received() const { return bytes_received_; }

 private:
  struct Slot {
    uint64_t started_ns = 0;
    int64_t rounds = 0;
    int64_t expected_opaque = -1;  // -1: free
    int queue_id = 0;
    int64_t queue_offset = 0;  // pull only: where the next pull starts
  };

  void Encode(uint32_t index, uint64_t now_ns, int64_t wall_ms);
  void Flush();
  bool OnFrame(std::string_view frame, uint64_t now_ns);
  void Settle(Slot& slot, const ResponseHeader& header, std::string_view body, uint64_t now_ns);
  void AdvancePull(Slot& slot, const ResponseHeader& header);

  const Options& options_;
  RequestEncoder& encoder_;
  ReceiveBuffer& received_;
  RunState& run_;
  int fd_ = -1;
  int next_queue_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<char> out_;
  size_t written_ = 0;
  std::vector<char> partial_;  // the start of a frame whose end has not arrived
  int64_t bytes_received_ = 0;
};

}  // namespace apogee::bench
