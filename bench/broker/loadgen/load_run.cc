#include "load_run.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace apogee::bench {
namespace {

constexpr double kNsPerSecond = 1e9;
constexpr int kEvents = 256;

uint64_t AfterSeconds(double seconds) {
  return NowNs() + static_cast<uint64_t>(seconds * kNsPerSecond);
}

double CpuSeconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / kNsPerSecond;
}

int MillisecondsUntil(uint64_t deadline_ns) {
  const uint64_t now = NowNs();
  return now >= deadline_ns ? 0 : static_cast<int>((deadline_ns - now) / 1'000'000) + 1;
}

}  // namespace

LoadRun::LoadRun(const Options& options) : options_(options), encoder_(options), run_(options) {}

LoadRun::~LoadRun() {
  if (epoll_ >= 0) close(epoll_);
}

std::string LoadRun::Execute() {
  if (std::string wrong = OpenAll(); !wrong.empty()) return wrong;
  Loop();
  return {};
}

std::string LoadRun::OpenAll() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return std::string("epoll_create1: ") + std::strerror(errno);
  watches_write_.assign(static_cast<size_t>(options_.connections), false);
  for (int index = 0; index < options_.connections; ++index) {
    connections_.push_back(
        std::make_unique<Connection>(options_, index, encoder_, received_, run_));
    if (std::string wrong = connections_.back()->Open(); !wrong.empty()) return wrong;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<uint32_t>(index);
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_.back()->fd(), &event) < 0) {
      return std::string("epoll_ctl: ") + std::strerror(errno);
    }
  }
  open_connections_ = options_.connections;
  return {};
}

void LoadRun::Loop() {
  for (uint32_t index = 0; index < connections_.size(); ++index) {
    connections_[index]->Fill();
    UpdateInterest(index);
  }
  ServeUntil(AfterSeconds(options_.warm_up_seconds));
  const uint64_t started_ns = NowNs();
  const double cpu_before = CpuSeconds();
  run_.StartMeasuring();
  ServeUntil(AfterSeconds(options_.duration_seconds));
  run_.StopMeasuring();
  measured_seconds_ = static_cast<double>(NowNs() - started_ns) / kNsPerSecond;
  cpu_share_ = (CpuSeconds() - cpu_before) / measured_seconds_;
  run_.StopSending();
  ServeUntil(AfterSeconds(options_.drain_seconds));
  if (run_.all_answered()) return;
  for (const auto& connection : connections_) {
    if (connection->has_waiting()) connection->Close("no answer arrived in time");
  }
}

bool LoadRun::Finished() const {
  const bool no_more = run_.exhausted() || !run_.sending();
  return open_connections_ == 0 || (no_more && run_.all_answered());
}

void LoadRun::ServeUntil(uint64_t deadline_ns) {
  std::array<epoll_event, kEvents> events;
  while (!Finished()) {
    const int timeout_ms = MillisecondsUntil(deadline_ns);
    if (timeout_ms == 0) return;
    const int ready = epoll_wait(epoll_, events.data(), kEvents, timeout_ms);
    if (ready < 0 && errno != EINTR) return;
    for (int i = 0; i < ready; ++i)
      Serve(events[static_cast<size_t>(i)].data.u32, events[static_cast<size_t>(i)].events);
  }
}

void LoadRun::Serve(uint32_t index, uint32_t events) {
  Connection& connection = *connections_[index];
  if (!connection.open()) return;
  if ((events & EPOLLOUT) != 0) connection.OnWritable();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) connection.OnReadable();
  UpdateInterest(index);
}

void LoadRun::UpdateInterest(uint32_t index) {
  Connection& connection = *connections_[index];
  if (!connection.open()) {
    --open_connections_;  // its descriptor left the epoll set when it was closed
    return;
  }
  if (connection.wants_write() == watches_write_[index]) return;
  watches_write_[index] = connection.wants_write();
  epoll_event event{};
  event.events = EPOLLIN | (watches_write_[index] ? static_cast<uint32_t>(EPOLLOUT) : 0u);
  event.data.u32 = index;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd(), &event);
}

int64_t LoadRun::bytes_received() const {
  int64_t bytes = 0;
  for (const auto& connection : connections_) bytes += connection->bytes_received();
  return bytes;
}

}  // namespace apogee::bench
