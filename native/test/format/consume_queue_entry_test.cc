#include "format/consume_queue_entry.h"

#include <gtest/gtest.h>

#include <vector>

namespace apogee {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes Encoded(const ConsumeQueueEntry& entry) {
  Bytes bytes(kConsumeQueueEntryBytes);
  EncodeConsumeQueueEntry(entry, bytes.data());
  return bytes;
}

TEST(ConsumeQueueEntry, HasJavasBytes) {
  EXPECT_EQ(Encoded({{0x0102030405060708}, 0x11121314, -2}),
            (Bytes{1,    2,    3,    4,    5,    6,    7,    8,    0x11, 0x12,
                   0x13, 0x14, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE}));
  EXPECT_EQ(Encoded(kFillEntry),
            (Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(ConsumeQueueEntry, ReadsBackWhatItWrote) {
  const ConsumeQueueEntry entry{{1234567890123}, 4096, -99};
  EXPECT_EQ(DecodeConsumeQueueEntry(Encoded(entry).data()), entry);
  EXPECT_EQ(entry.end().value, 1234567890123 + 4096);
}

TEST(ConsumeQueueEntry, IsLiveAsForJava) {
  EXPECT_FALSE(DecodeConsumeQueueEntry(Bytes(20).data()).live());
  EXPECT_FALSE((ConsumeQueueEntry{{-1}, 5, 0}).live());
  EXPECT_TRUE((ConsumeQueueEntry{{0}, 1, 0}).live());
  EXPECT_TRUE(kFillEntry.live());
}

}  // namespace
}  // namespace apogee
