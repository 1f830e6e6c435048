#include "io/simulated_store_io.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/simulated_file.h"

namespace apogee {
namespace {

using Disk = SimulatedStoreIo::Disk;

constexpr int64_t kShownCapacityBytes = int64_t{1} << 40;  // of a device that is never full

// "/a//b/" -> "/a/b"; the root is "".
std::string Normal(const std::string& path) {
  std::string normal;
  for (const char c : path) {
    if (c != '/' || normal.empty() || normal.back() != '/') normal += c;
  }
  while (!normal.empty() && normal.back() == '/') normal.pop_back();
  return normal;
}

std::string ParentOf(const std::string& normal) {
  const size_t slash = normal.rfind('/');
  return slash == std::string::npos ? std::string() : normal.substr(0, slash);
}

bool HasDirectory(const Disk& disk, const std::string& normal) {
  if (normal.empty()) return true;
  const auto found = disk.visible.find(normal);
  return found != disk.visible.end() && found->second == nullptr;
}

bool IsEmpty(const Disk& disk, const std::string& normal) {
  const auto next = disk.visible.lower_bound(normal + '/');
  return next == disk.visible.end() || !next->first.starts_with(normal + '/');
}

class SimulatedLock final : public FileLock {
 public:
  SimulatedLock(std::shared_ptr<Disk> disk, std::string path)
      : disk_(std::move(disk)), path_(std::move(path)) {}
  ~SimulatedLock() override {
    const std::lock_guard lock(disk_->mutex);
    disk_->locked.erase(path_);
  }

 private:
  const std::shared_ptr<Disk> disk_;
  const std::string path_;
};

}  // namespace

bool Disk::HasRoomFor(int64_t blocks) const {
  if (capacity_bytes == 0 || blocks == 0) return true;
  return *used_blocks + blocks <= capacity_bytes / static_cast<int64_t>(kSimulatedPageBytes);
}

SimulatedStoreIo::SimulatedStoreIo(int64_t capacity_bytes)
    : SimulatedStoreIo({}, std::make_shared<std::atomic<int64_t>>(0), capacity_bytes) {}

SimulatedStoreIo::SimulatedStoreIo(std::map<std::string, std::shared_ptr<SimulatedInode>> tree,
                                   BlockCount used_blocks, int64_t capacity_bytes)
    : disk_(std::make_shared<Disk>()) {
  disk_->visible = tree;
  disk_->durable = std::move(tree);
  disk_->used_blocks = std::move(used_blocks);
  disk_->capacity_bytes = capacity_bytes;
}

PowerLoss SimulatedStoreIo::CutPower(uint32_t group_pages) const {
  const std::lock_guard lock(disk_->mutex);
  return PowerLoss(disk_->durable, disk_->changes, group_pages, disk_->capacity_bytes);
}

void SimulatedStoreIo::SetCapacity(int64_t capacity_bytes) {
  const std::lock_guard lock(disk_->mutex);
  disk_->capacity_bytes = capacity_bytes;
}

int64_t SimulatedStoreIo::PagesWithoutBlock() const {
  const std::lock_guard lock(disk_->mutex);
  int64_t count = 0;
  for (const auto& [path, file] : disk_->visible) count += file ? file->PagesWithoutBlock() : 0;
  return count;
}

std::vector<uint8_t> SimulatedStoreIo::Contents(const std::string& path) const {
  const std::lock_guard lock(disk_->mutex);
  const auto found = disk_->visible.find(Normal(path));
  if (found == disk_->visible.end() || !found->second) return {};
  std::vector<uint8_t> bytes(found->second->size());
  found->second->Read(0, bytes);
  return bytes;
}

std::vector<std::string> SimulatedStoreIo::Files() const {
  const std::lock_guard lock(disk_->mutex);
  std::vector<std::string> paths;
  for (const auto& [path, file] : disk_->visible) {
    if (file) paths.push_back(path);
  }
  return paths;
}

Status SimulatedStoreIo::Change(EntryChange change) {
  ApplyEntryChange(change, &disk_->visible);
  disk_->changes.push_back(std::move(change));
  return Status::Ok();
}

Status SimulatedStoreIo::Open(const std::string& path, OpenMode mode,
                              std::unique_ptr<StoreFile>* file) {
  const std::lock_guard lock(disk_->mutex);
  const std::string normal = Normal(path);
  auto found = disk_->visible.find(normal);
  if (found == disk_->visible.end()) {
    if (mode != OpenMode::kCreate || !HasDirectory(*disk_, ParentOf(normal))) {
      return Status::FromErrno(ENOENT, "open " + path);
    }
    APOGEE_RETURN_IF_ERROR(Change({EntryChange::Kind::kCreate, normal, "",
                                   std::make_shared<SimulatedInode>(disk_->used_blocks)}));
    found = disk_->visible.find(normal);
  }
  if (!found->second) return Status::FromErrno(EISDIR, "open " + path);
  *file = MakeSimulatedFile(disk_, found->second, path, mode);
  return Status::Ok();
}

Status SimulatedStoreIo::CreateDirectories(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const std::string normal = Normal(path);
  for (size_t end = normal.find('/', 1);; end = normal.find('/', end + 1)) {
    const std::string part = normal.substr(0, end);
    const auto found = disk_->visible.find(part);
    if (found != disk_->visible.end() && found->second) {
      return Status::FromErrno(ENOTDIR, "mkdir " + path);
    }
    // Its parent is synced at once.
    disk_->visible[part] = nullptr;
    disk_->durable[part] = nullptr;
    if (end == std::string::npos) return Status::Ok();
  }
}

Status SimulatedStoreIo::SyncDirectory(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const std::string normal = Normal(path);
  if (!HasDirectory(*disk_, normal)) return Status::FromErrno(ENOENT, "open " + path);
  // A rename into the directory takes the changes along that made what it renames.
  std::set<std::string> wanted;
  const auto concerns = [&](const EntryChange& change) {
    return ParentOf(change.path) == normal || wanted.contains(change.path) ||
           (change.kind == EntryChange::Kind::kRename &&
            (ParentOf(change.to) == normal || wanted.contains(change.to)));
  };
  std::vector<bool> synced(disk_->changes.size());
  for (size_t i = disk_->changes.size(); i-- > 0;) {
    const EntryChange& change = disk_->changes[i];
    if (!concerns(change)) continue;
    synced[i] = true;
    if (change.kind == EntryChange::Kind::kRename) wanted.insert(change.path);
  }
  std::vector<EntryChange> left;
  for (size_t i = 0; i < synced.size(); ++i) {
    if (synced[i]) {
      ApplyEntryChange(disk_->changes[i], &disk_->durable);
    } else {
      left.push_back(std::move(disk_->changes[i]));
    }
  }
  disk_->changes = std::move(left);
  return Status::Ok();
}

Status SimulatedStoreIo::List(const std::string& path, std::vector<DirEntry>* entries) {
  const std::lock_guard lock(disk_->mutex);
  entries->clear();
  const std::string normal = Normal(path);
  if (!HasDirectory(*disk_, normal)) return Status::FromErrno(ENOENT, "opendir " + path);
  const std::string inside = normal + '/';
  for (auto entry = disk_->visible.lower_bound(inside);
       entry != disk_->visible.end() && entry->first.starts_with(inside); ++entry) {
    std::string name = entry->first.substr(inside.size());
    if (name.find('/') != std::string::npos) continue;
    const auto& file = entry->second;
    entries->push_back({std::move(name), file == nullptr, file ? file->size() : 0});
  }
  return Status::Ok();
}

Status SimulatedStoreIo::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(disk_->mutex);
  const std::string normal = Normal(from);
  const auto found = disk_->visible.find(normal);
  if (found == disk_->visible.end() || !HasDirectory(*disk_, ParentOf(Normal(to)))) {
    return Status::FromErrno(ENOENT, "rename " + from);
  }
  if (normal == Normal(to)) return Status::Ok();
  return Change({EntryChange::Kind::kRename, normal, Normal(to), found->second});
}

Status SimulatedStoreIo::Remove(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const std::string normal = Normal(path);
  const auto found = disk_->visible.find(normal);
  if (found == disk_->visible.end()) return Status::FromErrno(ENOENT, "remove " + path);
  if (!found->second && !IsEmpty(*disk_, normal)) {
    return Status::FromErrno(ENOTEMPTY, "remove " + path);
  }
  return Change({EntryChange::Kind::kRemove, normal, "", found->second});
}

bool SimulatedStoreIo::Exists(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  return Normal(path).empty() || disk_->visible.contains(Normal(path));
}

Status SimulatedStoreIo::Space(const std::string& path, SpaceInfo* space) {
  const std::lock_guard lock(disk_->mutex);
  const std::string normal = Normal(path);
  if (!normal.empty() && !disk_->visible.contains(normal)) {
    return Status::FromErrno(ENOENT, "statvfs " + path);
  }
  const int64_t total = disk_->capacity_bytes == 0 ? kShownCapacityBytes : disk_->capacity_bytes;
  const int64_t used = *disk_->used_blocks * static_cast<int64_t>(kSimulatedPageBytes);
  space->total_bytes = static_cast<uint64_t>(total);
  space->free_bytes = static_cast<uint64_t>(std::max<int64_t>(total - used, 0));
  return Status::Ok();
}

Status SimulatedStoreIo::Lock(const std::string& path, std::unique_ptr<FileLock>* lock) {
  std::unique_ptr<StoreFile> created;
  APOGEE_RETURN_IF_ERROR(Open(path, OpenMode::kCreate, &created));
  const std::lock_guard guard(disk_->mutex);
  const std::string normal = Normal(path);
  if (!disk_->locked.insert(normal).second) {
    return Status::Error(StatusCode::kLocked, path + " is held by this process");
  }
  *lock = std::make_unique<SimulatedLock>(disk_, normal);
  return Status::Ok();
}

}  // namespace apogee
