// Request frames with the JSON headers that RocketMQ's Java client writes. Everything that stays
// the same is laid out once for each queue; a request is two copies and a few patched digits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "options.h"

namespace apogee::bench {

class RequestEncoder {
 public:
  // Opaques have seven digits, from kFirstOpaque to kFirstOpaque + kOpaques - 1: a constant width.
  static constexpr int64_t kFirstOpaque = 1'000'000;
  static constexpr int64_t kOpaques = 9'000'000;

  explicit RequestEncoder(const Options& options);

  // Appends one SEND_MESSAGE_V2 frame. Bodies are random bytes and differ from each other;
  // UNIQ_KEYs are unique over processes and time.
  void AppendSend(int queue_id, int64_t opaque, int64_t born_ms, std::vector<char>* out);

  // Appends one PULL_MESSAGE frame: no long polling, any tag.
  void AppendPull(int queue_id, int64_t queue_offset, int64_t opaque, std::vector<char>* out) const;

  // Bytes of the JSON header of a request for queue 0, for the report.
  int header_bytes() const { return header_bytes_; }

 private:
  struct SendTemplate {
    std::string head;  // lengths and header
    size_t unique_at;
    size_t born_at;
    size_t opaque_at;
  };
  struct PullTemplate {
    std::string before_offset, before_opaque, tail;
  };

  SendTemplate MakeSend(int queue_id) const;
  PullTemplate MakePull(int queue_id) const;

  const Options& options_;
  std::string unique_prefix_;
  uint64_t unique_counter_;
  uint64_t body_counter_ = 0;
  std::string body_pool_;
  std::vector<SendTemplate> sends_;
  std::vector<PullTemplate> pulls_;
  int header_bytes_ = 0;
};

}  // namespace apogee::bench
