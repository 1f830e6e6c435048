#include "format/checkpoint_layout.h"

#include <gtest/gtest.h>

#include <vector>

namespace apogee {
namespace {

TEST(CheckpointLayout, HasJavasBytes) {
  std::vector<uint8_t> bytes(kCheckpointUsedBytes);
  EncodeCheckpoint({1, 0x0100, 0x010000}, bytes.data());
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
                                         0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(DecodeCheckpoint(bytes.data()), (CheckpointTimes{1, 0x0100, 0x010000}));
}

}  // namespace
}  // namespace apogee
