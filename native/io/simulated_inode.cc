#include "io/simulated_inode.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace apogee {
namespace {

constexpr size_t kMaxHistory = 16;

uint64_t PagesOf(uint64_t bytes) { return (bytes + kSimulatedPageBytes - 1) / kSimulatedPageBytes; }

// A page as it stands while others may store into it: what writeback does. Not through memcpy,
// which a thread sanitizer watches.
__attribute__((no_sanitize("thread"))) void CopyLive(const uint8_t* page, uint8_t* into) {
  const auto* from = reinterpret_cast<const volatile uint64_t*>(page);
  auto* to = reinterpret_cast<volatile uint64_t*>(into);
  for (size_t i = 0; i < kSimulatedPageBytes / sizeof(uint64_t); ++i) to[i] = from[i];
}

bool AllZero(const SimulatedPage& page) {
  return page[0] == 0 && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

}  // namespace

void SimulatedInode::Grow(uint64_t size_bytes) {
  const uint64_t needed = PagesOf(size_bytes) * kSimulatedPageBytes;
  if (needed <= capacity_bytes_) return;
  if (memory_.use_count() > 1) {
    std::fputs("a simulated file cannot grow while it is mapped\n", stderr);
    std::abort();
  }
  auto* bytes = static_cast<uint8_t*>(std::aligned_alloc(kSimulatedPageBytes, needed));
  if (bytes == nullptr) std::abort();
  std::memset(bytes + capacity_bytes_, 0, needed - capacity_bytes_);
  if (memory_) std::memcpy(bytes, memory_.get(), capacity_bytes_);
  memory_ = std::shared_ptr<uint8_t>(bytes, std::free);
  capacity_bytes_ = needed;
}

void SimulatedInode::CountBlocks() {
  const auto now = std::ranges::count(metadata_.blocks, true);
  *used_blocks_ += now - counted_blocks_;
  counted_blocks_ = now;
}

void SimulatedInode::Changed() {
  CountBlocks();
  if (history_.size() == kMaxHistory) history_.pop_back();
  history_.push_back(metadata_);
}

void SimulatedInode::SetSize(uint64_t size_bytes) {
  if (size_bytes < size()) {
    Zero(size_bytes, size());
    metadata_.blocks.resize(std::min(metadata_.blocks.size(), PagesOf(size_bytes)));
  }
  Grow(size_bytes);
  metadata_.size_bytes = size_bytes;
  Changed();
}

int64_t SimulatedInode::MissingBlocks(uint64_t from, uint64_t to) const {
  int64_t missing = 0;
  for (uint64_t page = from / kSimulatedPageBytes; page < PagesOf(to); ++page) {
    if (page >= metadata_.blocks.size() || !metadata_.blocks[page]) ++missing;
  }
  return missing;
}

void SimulatedInode::AddBlocks(uint64_t from, uint64_t to) {
  if (MissingBlocks(from, to) == 0) return;
  if (metadata_.blocks.size() < PagesOf(to)) metadata_.blocks.resize(PagesOf(to));
  for (uint64_t page = from / kSimulatedPageBytes; page < PagesOf(to); ++page) {
    metadata_.blocks[page] = true;
  }
  Changed();
}

size_t SimulatedInode::Read(uint64_t at, std::span<uint8_t> into) const {
  if (at >= size()) return 0;
  const auto count = static_cast<size_t>(std::min<uint64_t>(into.size(), size() - at));
  SimulatedPage page;
  for (size_t done = 0; done < count;) {
    const uint64_t within = (at + done) % kSimulatedPageBytes;
    const size_t part = std::min<size_t>(kSimulatedPageBytes - within, count - done);
    CopyLive(memory_.get() + (at + done - within), page.data());
    std::memcpy(into.data() + done, page.data() + within, part);
    done += part;
  }
  return count;
}

void SimulatedInode::Write(uint64_t at, std::span<const uint8_t> bytes) {
  if (bytes.empty()) return;
  const uint64_t end = at + bytes.size();
  Grow(end);
  AddBlocks(at, end);
  // Bytes that stay what they are may be read by others meanwhile, as with real files: direct
  // writes repeat the records that the last page holds already.
  uint8_t* const old = memory_.get() + at;
  const auto same = std::mismatch(bytes.begin(), bytes.end(), old).first - bytes.begin();
  const auto changed = bytes.subspan(static_cast<size_t>(same));
  if (!changed.empty()) std::memcpy(old + same, changed.data(), changed.size());
  if (end > size()) {
    metadata_.size_bytes = end;
    Changed();
  }
}

bool SimulatedInode::IsZero(uint64_t page) const {
  SimulatedPage bytes;
  CopyLive(memory_.get() + page * kSimulatedPageBytes, bytes.data());
  return AllZero(bytes);
}

bool SimulatedInode::NextWritten(uint64_t from, uint64_t to, uint64_t* data_from,
                                 uint64_t* data_to) const {
  *data_from = from;
  *data_to = to;
  to = std::min(to, size());
  if (from >= to) return false;
  uint64_t page = from / kSimulatedPageBytes;
  const uint64_t end = PagesOf(to);
  while (page < end && IsZero(page)) ++page;
  if (page == end) return false;
  *data_from = std::max(from, page * kSimulatedPageBytes);
  while (page < end && !IsZero(page)) ++page;
  *data_to = std::min(to, page * kSimulatedPageBytes);
  return true;
}

bool SimulatedInode::Zero(uint64_t from, uint64_t to) {
  bool changed = false;
  to = std::min(to, capacity_bytes_);
  while (from < to) {
    const uint64_t part_end = std::min(to, (from / kSimulatedPageBytes + 1) * kSimulatedPageBytes);
    std::vector<uint8_t> held(part_end - from);
    SimulatedPage page;
    CopyLive(memory_.get() + from / kSimulatedPageBytes * kSimulatedPageBytes, page.data());
    const auto* begin = page.data() + from % kSimulatedPageBytes;
    if (std::any_of(begin, begin + (part_end - from), [](uint8_t byte) { return byte != 0; })) {
      std::memset(memory_.get() + from, 0, part_end - from);
      changed = true;
    }
    from = part_end;
  }
  return changed;
}

std::shared_ptr<uint8_t> SimulatedInode::Memory(uint64_t size_bytes) {
  Grow(size_bytes);
  return memory_;
}

void SimulatedInode::Sync(uint64_t from, uint64_t to) {
  history_.assign(1, metadata_);
  const uint64_t end = std::min(PagesOf(to), pages());
  durable_.resize(std::max<uint64_t>(durable_.size(), end * kSimulatedPageBytes));
  for (uint64_t page = from / kSimulatedPageBytes; page < end; ++page) {
    CopyLive(memory_.get() + page * kSimulatedPageBytes,
             durable_.data() + page * kSimulatedPageBytes);
  }
}

InodeCapture SimulatedInode::Capture() const {
  InodeCapture capture;
  capture.durable = durable_;
  capture.metadata = history_;
  static constexpr SimulatedPage kZeros{};
  for (uint64_t number = 0; number < std::min(pages(), PagesOf(size())); ++number) {
    SimulatedPage page;
    CopyLive(memory_.get() + number * kSimulatedPageBytes, page.data());
    const uint64_t at = number * kSimulatedPageBytes;
    const uint8_t* before = at < durable_.size() ? durable_.data() + at : kZeros.data();
    if (std::memcmp(page.data(), before, page.size()) != 0) capture.dirty.push_back({number, page});
  }
  return capture;
}

void SimulatedInode::Restore(std::vector<uint8_t> pages, SimulatedMetadata metadata) {
  const uint64_t size_bytes = metadata.size_bytes;
  const uint64_t held = std::min<uint64_t>(pages.size(), size_bytes);
  // What lies behind the end of a file reads as zeros when it grows again.
  std::fill(pages.begin() + static_cast<ptrdiff_t>(held), pages.end(), uint8_t{0});
  Grow(std::max<uint64_t>(size_bytes, 1));
  if (held > 0) std::memcpy(memory_.get(), pages.data(), held);
  pages.resize(PagesOf(size_bytes) * kSimulatedPageBytes);
  durable_ = std::move(pages);
  metadata_ = std::move(metadata);
  CountBlocks();
  history_.assign(1, metadata_);
}

int64_t SimulatedInode::PagesWithoutBlock() const {
  int64_t count = 0;
  for (uint64_t page = 0; page < std::min(pages(), PagesOf(size())); ++page) {
    const bool has_block = page < metadata_.blocks.size() && metadata_.blocks[page];
    if (!has_block && !IsZero(page)) ++count;
  }
  return count;
}

}  // namespace apogee
