#include "filter/filter_set.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "test/support/filter_bytes.h"

namespace apogee {
namespace {

std::span<const uint8_t> Stored(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(FilterSetTest, AMessageHasTheBitsOfTheFiltersItPasses) {
  std::shared_ptr<const FilterSet> set;
  ASSERT_TRUE(
      FilterSet::Parse(test::FilterSetBytes({test::EqualsText("a", "x"), test::EqualsText("a", "y"),
                                             test::EqualsText("b", "x")}),
                       &set)
          .ok());
  std::array<uint8_t, 4> map{0xFF};
  EXPECT_EQ(set->BitMap("T", Stored("a\1x\2b\1x"), map), 1u);
  EXPECT_EQ(map[0], 0b101);
  EXPECT_EQ(set->BitMap("T", {}, map), 1u);
  EXPECT_EQ(map[0], 0);
  EXPECT_EQ(set->BitMap("Other", Stored("a\1x"), map), 0u);
  EXPECT_EQ(set->BitMap("T", {}, {}), 0u);
}

TEST(FilterSetTest, DamagedBytesAreRefused) {
  const std::vector<uint8_t> whole = test::FilterSetBytes({test::EqualsText("a", "x")});
  std::shared_ptr<const FilterSet> set;
  for (size_t size = 0; size < whole.size(); ++size) {
    const Status parsed = FilterSet::Parse(std::span(whole).first(size), &set);
    EXPECT_EQ(parsed.code(), StatusCode::kInvalidArgument) << size;
  }
  std::vector<uint8_t> outside = whole;
  outside[1 + 4 + 4 + 3 + 2 + 3] = 8;  // of eight bits
  EXPECT_EQ(FilterSet::Parse(outside, &set).context(), "filters: a bit outside the bit map");
  EXPECT_EQ(set, nullptr);
}

TEST(FilterSetTest, AnotherThreadGoesOnWithTheSetItHas) {
  CurrentFilterSet current;
  std::atomic<bool> done{false};
  std::thread dispatch([&] {
    std::array<uint8_t, 1> map{};
    while (!done) {
      const std::shared_ptr<const FilterSet> set = current.Get();
      if (set == nullptr) continue;
      EXPECT_EQ(set->BitMap("T", Stored("a\1x"), map), 1u);
      EXPECT_EQ(map[0], 1);
    }
  });
  for (int i = 0; i < 1000; ++i) {
    std::shared_ptr<const FilterSet> set;
    ASSERT_TRUE(FilterSet::Parse(test::FilterSetBytes({test::EqualsText("a", "x")}), &set).ok());
    current.Set(std::move(set));
  }
  done = true;
  dispatch.join();
}

}  // namespace
}  // namespace apogee
