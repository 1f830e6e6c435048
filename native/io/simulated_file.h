#pragma once

#include <memory>
#include <string>

#include "io/simulated_store_io.h"

namespace apogee {

// The StoreFile over a file of a simulated disk. `path` names it in errors.
std::unique_ptr<StoreFile> MakeSimulatedFile(std::shared_ptr<SimulatedStoreIo::Disk> disk,
                                             std::shared_ptr<SimulatedInode> inode,
                                             std::string path, StoreIo::OpenMode mode);

}  // namespace apogee
