#include "queue/queue_mappings.h"

#include <utility>

namespace apogee {

// Files are unmapped when the lists that took them go, behind the lock.

void QueueMappings::Keep(std::shared_ptr<QueueFile> file) {
  Ring gone;
  const std::lock_guard lock(mutex_);
  while (ring_.size() >= cap_) {
    const auto victim = Victim();
    if (victim == ring_.end()) break;
    (*victim)->kept_ = false;
    gone.splice(gone.end(), ring_, victim);
  }
  QueueFile& added = *file;
  added.place_ = ring_.insert(ring_.end(), std::move(file));
  added.kept_ = true;
}

// The first in the ring that nobody holds and that was not used since it was last looked at; end()
// when two rounds find none. With mutex_ held.
QueueMappings::Ring::iterator QueueMappings::Victim() {
  for (size_t looks = 2 * ring_.size(); looks > 0; --looks) {
    const auto front = ring_.begin();
    const bool used = (*front)->used_.exchange(false, std::memory_order_relaxed);
    if (!used && front->use_count() == 1) return front;
    ring_.splice(ring_.end(), ring_, front);
  }
  return ring_.end();
}

void QueueMappings::Drop(QueueFile& file) {
  Ring gone;
  const std::lock_guard lock(mutex_);
  if (!file.kept_) return;
  file.kept_ = false;
  gone.splice(gone.end(), ring_, file.place_);
}

void QueueMappings::DropIdle() {
  Ring gone;
  const std::lock_guard lock(mutex_);
  for (auto file = ring_.begin(); file != ring_.end();) {
    const auto next = std::next(file);
    if (file->use_count() == 1) {
      (*file)->kept_ = false;
      gone.splice(gone.end(), ring_, file);
    }
    file = next;
  }
}

size_t QueueMappings::kept() const {
  const std::lock_guard lock(mutex_);
  return ring_.size();
}

}  // namespace apogee
