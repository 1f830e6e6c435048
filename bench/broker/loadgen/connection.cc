#include "connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "record_walk.h"

namespace apogee::bench {
namespace {

constexpr int kConnectTimeoutMs = 5000;
constexpr size_t kLengthBytes = 4;
constexpr uint32_t kHeaderLengthMask = 0x00FFFFFF;

std::string ErrnoText(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

}  // namespace

Connection::Connection(const Options& options, int index, RequestEncoder& encoder,
                       ReceiveBuffer& received, RunState& run)
    : options_(options),
      encoder_(encoder),
      received_(received),
      run_(run),
      next_queue_(index % options.queues),
      slots_(static_cast<size_t>(options.in_flight)) {
  for (int slot = options.in_flight - 1; slot >= 0; --slot) {
    slots_[static_cast<size_t>(slot)].queue_id = (index + slot) % options.queues;
    free_slots_.push_back(static_cast<uint32_t>(slot));
  }
}

Connection::~Connection() {
  if (fd_ >= 0) close(fd_);
}

std::string Connection::Open() {
  const auto* address = reinterpret_cast<const sockaddr*>(&options_.address.storage);
  fd_ = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return ErrnoText("socket");
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd_, address, options_.address.size) == 0) return {};
  if (errno != EINPROGRESS) return ErrnoText("connect");
  pollfd waiting{fd_, POLLOUT, 0};
  if (poll(&waiting, 1, kConnectTimeoutMs) != 1) return "connect: no answer within 5 s";
  int failure = 0;
  socklen_t size = sizeof failure;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0) return {};
  if (failure != 0) errno = failure;
  return ErrnoText("connect");
}

void Connection::Fill() {
  if (!open() || free_slots_.empty()) return;
  uint64_t now_ns = NowNs();
  const int64_t wall_ms = WallMs();
  while (open() && !free_slots_.empty() && run_.TakeTicket()) {
    const uint32_t index = free_slots_.back();
    free_slots_.pop_back();
    Encode(index, now_ns, wall_ms);
    if (options_.send_style == SendStyle::kSingle) {
      Flush();
      now_ns = NowNs();
    }
  }
  if (open()) Flush();
}

void Connection::Encode(uint32_t index, uint64_t now_ns, int64_t wall_ms) {
  Slot& slot = slots_[index];
  // The opaque names the slot, modulo the slots, and changes with each use of it.
  slot.expected_opaque = RequestEncoder::kFirstOpaque + slot.rounds * options_.in_flight + index;
  slot.rounds = (slot.rounds + 1) % (RequestEncoder::kOpaques / options_.in_flight);
  slot.started_ns = now_ns;
  if (options_.mode == Mode::kPull) {
    encoder_.AppendPull(slot.queue_id, slot.queue_offset, slot.expected_opaque, &out_);
    return;
  }
  encoder_.AppendSend(next_queue_, slot.expected_opaque, wall_ms, &out_);
  next_queue_ = next_queue_ + 1 == options_.queues ? 0 : next_queue_ + 1;
}

void Connection::Flush() {
  while (written_ < out_.size()) {
    const ssize_t sent = send(fd_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (sent > 0) {
      written_ += static_cast<size_t>(sent);
    } else if (errno == EAGAIN) {
      return;  // the run loop asks for writability while wants_write()
    } else if (errno != EINTR) {
      return Close(ErrnoText("send"));
    }
  }
  out_.clear();
  written_ = 0;
}

void Connection::OnWritable() {
  if (open()) Flush();
}

void Connection::OnReadable() {
  if (!open()) return;
  char* data = received_.data();
  const size_t kept = partial_.size();
  const ssize_t got = recv(fd_, data + kept, ReceiveBuffer::kReadBytes, 0);
  if (got == 0) return Close("the peer closed the connection");
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return Close(ErrnoText("recv"));
  }
  const uint64_t now_ns = NowNs();
  bytes_received_ += got;
  std::copy(partial_.begin(), partial_.end(), data);
  size_t at = 0;
  const size_t end = kept + static_cast<size_t>(got);
  while (end - at >= kLengthBytes) {
    const uint32_t length = ReadBigEndian32(data + at);
    if (length < kLengthBytes || length + kLengthBytes > ReceiveBuffer::kMaxFrameBytes) {
      return Close("a frame of " + std::to_string(length) + " bytes arrived");
    }
    if (end - at - kLengthBytes < length) break;
    if (!OnFrame(std::string_view(data + at + kLengthBytes, length), now_ns)) return;
    at += kLengthBytes + length;
  }
  partial_.assign(data + at, data + end);
  Fill();
}

// False when the connection had to be closed.
bool Connection::OnFrame(std::string_view frame, uint64_t now_ns) {
  const uint32_t marked = ReadBigEndian32(frame.data());
  const uint32_t header_bytes = marked & kHeaderLengthMask;
  const std::string_view rest = frame.substr(kLengthBytes);
  ResponseHeader header;
  if (marked != header_bytes || header_bytes > rest.size() ||
      !ScanResponse(rest.substr(0, header_bytes), &header)) {
    Close("a frame without a readable JSON header arrived");
    return false;
  }
  if (!header.is_response())
    return true;  // a request of the server's own, such as a consumer notice
  const int64_t step = header.opaque - RequestEncoder::kFirstOpaque;
  const auto index = static_cast<size_t>(step < 0 ? 0 : step % options_.in_flight);
  Slot& slot = slots_[index];
  if (slot.expected_opaque != header.opaque) {
    Close("an answer with opaque " + std::to_string(header.opaque) +
          " arrived, which is not outstanding");
    return false;
  }
  slot.expected_opaque = -1;
  free_slots_.push_back(static_cast<uint32_t>(index));
  Settle(slot, header, rest.substr(header_bytes), now_ns);
  return true;
}

void Connection::Settle(Slot& slot, const ResponseHeader& header, std::string_view body,
                        uint64_t now_ns) {
  if (options_.mode == Mode::kPull) AdvancePull(slot, header);
  if (header.code != 0) return run_.Refuse(header.code, header.remark);
  int64_t messages = 1;
  if (options_.mode == Mode::kPull) {
    messages = CountRecords(body);
    if (messages <= 0) return run_.Refuse(header.code, "a pull was answered without whole records");
  }
  run_.Succeed(now_ns - slot.started_ns, messages);
}

// Goes on where the broker says, and back to the start before the queue would yield less than a
// batch.
void Connection::AdvancePull(Slot& slot, const ResponseHeader& header) {
  slot.queue_offset = header.next_begin_offset < 0 ? 0 : header.next_begin_offset;
  if (header.code != 0 || slot.queue_offset + options_.batch > header.max_offset) {
    slot.queue_offset = header.min_offset < 0 ? 0 : header.min_offset;
  }
}

void Connection::Close(const std::string& reason) {
  if (!open()) return;
  close(fd_);
  fd_ = -1;
  int64_t waiting = 0;
  for (Slot& slot : slots_) {
    if (slot.expected_opaque >= 0) ++waiting;
    slot.expected_opaque = -1;
  }
  out_.clear();
  written_ = 0;
  run_.Lose(waiting, reason);
}

}  // namespace apogee::bench
