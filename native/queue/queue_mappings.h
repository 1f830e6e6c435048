#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "queue/queue_file.h"

namespace apogee {

// Keeps files of queues mapped, up to a number of them, since a process may have 65530 mappings in
// all: when one more comes, one that was not used for long and that nobody holds goes.
//
// Thread: any. More than the cap stay mapped only while more than that are held.
class QueueMappings {
 public:
  static constexpr size_t kDefaultCap = 8192;

  explicit QueueMappings(size_t cap = kDefaultCap) : cap_(cap) {}

  void Keep(std::shared_ptr<QueueFile> file);
  // No longer keeps it: it was removed.
  void Drop(QueueFile& file);
  // Lets go of every file that nobody holds: the process has no mappings left.
  void DropIdle();

  size_t kept() const;

 private:
  using Ring = std::list<std::shared_ptr<QueueFile>>;
  Ring::iterator Victim();

  const size_t cap_;
  mutable std::mutex mutex_;  // guards ring_ and what QueueFile says
  Ring ring_;                 // the next to be looked at in front
};

}  // namespace apogee
