#include "io/power_loss.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/simulated_store_io.h"

namespace apogee {
namespace {

constexpr uint8_t kAllSectors = 0xff;

// splitmix64: one number of a seeded series.
uint64_t Draw(uint64_t seed, uint64_t number) {
  uint64_t x = seed * 0x9e3779b97f4a7c15u + number * 0xd1b54a32d192ed03u + 0x2545f4914f6cdd1du;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

std::string Survivors::ToString() const {
  static constexpr const char* kNames[] = {"none",        "all",      "prefix",
                                           "all but one", "only one", "seeded"};
  return std::string(kNames[static_cast<size_t>(kind)]) + ' ' + std::to_string(value) +
         (torn ? " torn" : "");
}

void ApplyEntryChange(const EntryChange& change,
                      std::map<std::string, std::shared_ptr<SimulatedInode>>* tree) {
  if (change.kind == EntryChange::Kind::kCreate) {
    (*tree)[change.path] = change.file;
    return;
  }
  if (change.kind == EntryChange::Kind::kRemove) {
    // Another file may have come to that name by a change that was kept.
    const auto found = tree->find(change.path);
    if (found != tree->end() && found->second == change.file) tree->erase(found);
    return;
  }
  tree->erase(change.path);
  (*tree)[change.to] = change.file;
  if (change.file != nullptr) return;
  const std::string inside = change.path + '/';
  for (auto entry = tree->lower_bound(inside);
       entry != tree->end() && entry->first.starts_with(inside);) {
    (*tree)[change.to + '/' + entry->first.substr(inside.size())] = entry->second;
    entry = tree->erase(entry);
  }
}

PowerLoss::PowerLoss(Tree durable, std::vector<EntryChange> entries, uint32_t group_pages,
                     int64_t capacity_bytes)
    : durable_(std::move(durable)), entries_(std::move(entries)), capacity_bytes_(capacity_bytes) {
  for (size_t i = 0; i < entries_.size(); ++i) changes_.push_back({Change::Kind::kEntry, i});
  for (const auto& [path, file] : durable_) AddFile(file, group_pages);
  for (const EntryChange& entry : entries_) AddFile(entry.file, group_pages);
}

void PowerLoss::AddFile(const std::shared_ptr<SimulatedInode>& file, uint32_t group_pages) {
  if (!file || file_numbers_.contains(file.get())) return;
  const size_t index = files_.size();
  file_numbers_[file.get()] = index;
  const InodeCapture& capture = files_.emplace_back(file->Capture());
  if (capture.metadata.size() > 1) changes_.push_back({Change::Kind::kMetadata, index});
  for (size_t from = 0; from < capture.dirty.size();) {
    const uint64_t group = capture.dirty[from].number / group_pages;
    size_t to = from + 1;
    while (to < capture.dirty.size() && capture.dirty[to].number / group_pages == group) ++to;
    changes_.push_back({Change::Kind::kPages, index, from, to});
    from = to;
  }
}

bool PowerLoss::Survives(const Survivors& survivors, uint64_t change) {
  switch (survivors.kind) {
    case Survivors::Kind::kNone:
      return false;
    case Survivors::Kind::kAll:
      return true;
    case Survivors::Kind::kPrefix:
      return change < survivors.value;
    case Survivors::Kind::kAllButOne:
      return change != survivors.value;
    case Survivors::Kind::kOnlyOne:
      return change == survivors.value;
    case Survivors::Kind::kSeeded:
      // Some seeds keep nearly all, some nearly nothing.
      return Draw(survivors.value, change) % 8 <= Draw(survivors.value, ~uint64_t{0}) % 8;
  }
  return false;
}

std::shared_ptr<SimulatedInode> PowerLoss::Rebuild(size_t index, const FileFate& fate,
                                                   const BlockCount& used_blocks) const {
  const InodeCapture& capture = files_[index];
  std::vector<uint8_t> pages = capture.durable;
  SimulatedMetadata metadata = capture.metadata[fate.metadata];
  for (size_t i = 0; i < capture.dirty.size(); ++i) {
    const auto& [number, bytes] = capture.dirty[i];
    const uint64_t at = number * kSimulatedPageBytes;
    if (fate.sectors[i] == 0 || at >= metadata.size_bytes) continue;
    if (pages.size() < at + kSimulatedPageBytes) pages.resize(at + kSimulatedPageBytes);
    for (uint64_t sector = 0; sector < kSimulatedPageBytes / kSimulatedSectorBytes; ++sector) {
      if ((fate.sectors[i] >> sector & 1) == 0) continue;
      std::memcpy(pages.data() + at + sector * kSimulatedSectorBytes,
                  bytes.data() + sector * kSimulatedSectorBytes, kSimulatedSectorBytes);
    }
    if (metadata.blocks.size() <= number) metadata.blocks.resize(number + 1);
    metadata.blocks[number] = true;
  }
  auto rebuilt = std::make_shared<SimulatedInode>(used_blocks);
  rebuilt->Restore(std::move(pages), std::move(metadata));
  return rebuilt;
}

std::unique_ptr<SimulatedStoreIo> PowerLoss::Restart(const Survivors& survivors) const {
  std::vector<FileFate> fates(files_.size());
  for (size_t i = 0; i < files_.size(); ++i) fates[i].sectors.resize(files_[i].dirty.size());
  Tree tree = durable_;
  const bool seeded = survivors.kind == Survivors::Kind::kSeeded;
  for (size_t number = 0; number < changes_.size(); ++number) {
    if (!Survives(survivors, number)) continue;
    const Change& change = changes_[number];
    if (change.kind == Change::Kind::kEntry) {
      ApplyEntryChange(entries_[change.index], &tree);
    } else if (change.kind == Change::Kind::kMetadata) {
      const size_t later = files_[change.index].metadata.size() - 1;
      fates[change.index].metadata = seeded ? 1 + Draw(survivors.value ^ 1, number) % later : later;
    } else {
      const uint64_t drawn = Draw(survivors.value ^ 2, number);
      const bool torn = seeded && survivors.torn && drawn % 4 == 0;
      for (size_t page = change.from; page < change.to; ++page) {
        fates[change.index].sectors[page] =
            torn ? static_cast<uint8_t>(Draw(drawn, page)) : kAllSectors;
      }
    }
  }
  auto used_blocks = std::make_shared<std::atomic<int64_t>>(0);
  std::vector<std::shared_ptr<SimulatedInode>> rebuilt(files_.size());
  for (auto& [path, file] : tree) {
    if (!file) continue;
    const size_t index = file_numbers_.at(file.get());
    if (!rebuilt[index]) rebuilt[index] = Rebuild(index, fates[index], used_blocks);
    file = rebuilt[index];
  }
  return std::unique_ptr<SimulatedStoreIo>(
      new SimulatedStoreIo(std::move(tree), std::move(used_blocks), capacity_bytes_));
}

}  // namespace apogee
