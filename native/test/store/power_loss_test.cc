#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "test/support/power_loss_run.h"

namespace apogee {
namespace {

using test::FaultyStoreIo;
using test::IoCall;
using test::Lie;
using test::PowerLossRun;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

uint64_t FirstSeed() { return FromEnvironment("APOGEE_POWER_LOSS_SEED", 1); }

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kUsualRounds = 3;
#else
constexpr uint64_t kUsualRounds = 30;
#endif

uint64_t Rounds() { return FromEnvironment("APOGEE_POWER_LOSS_ROUNDS", kUsualRounds); }

TEST(PowerLossTest, LosesNothingAcknowledgedAndListsEachHoleWhateverSurvives) {
  int states = 0;
  int states_with_holes = 0;
  int power_cuts = 0;
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + Rounds(); ++seed) {
    PowerLossRun run(seed);
    run.Go();
    states += run.states();
    states_with_holes += run.states_with_holes();
    power_cuts += run.power_cuts();
    for (const std::string& fault : run.faults()) ADD_FAILURE() << fault;
    if (HasFailure()) return;
  }
  RecordProperty("states", states);
  std::printf("power cuts %d, states %d (%d with holes), seeds %llu to %llu\n", power_cuts, states,
              states_with_holes, static_cast<unsigned long long>(FirstSeed()),
              static_cast<unsigned long long>(FirstSeed() + Rounds() - 1));
}

// Mistakes that a store could make, made by the StoreIo under it: the oracle must find each.
struct Mistake {
  const char* name;
  Lie lie;
  IoCall call;
  const char* path_part;
  WritePath write_path = WritePath::kMapped;
};

class PowerLossMistakeTest : public testing::TestWithParam<Mistake> {};

TEST_P(PowerLossMistakeTest, IsFound) {
  constexpr uint64_t kMostRounds = 200;
  const Mistake& mistake = GetParam();
  for (uint64_t seed = 1; seed <= kMostRounds; ++seed) {
    PowerLossRun run(
        seed, [&](FaultyStoreIo& io) { io.Tell(mistake.lie, mistake.call, mistake.path_part); },
        mistake.write_path);
    run.Go();
    if (!run.faults().empty()) return;
  }
  FAIL() << mistake.name << " was not found";
}

INSTANTIATE_TEST_SUITE_P(
    Seeded, PowerLossMistakeTest,
    testing::Values(
        Mistake{"AcknowledgesBeforeTheSync", Lie::kNothing, IoCall::kMappingSync, "/commitlog/"},
        Mistake{"AcknowledgesStagedBytesBeforeTheSync", Lie::kNothing, IoCall::kSync, "/commitlog/",
                WritePath::kStaged},
        Mistake{"SyncsAllButTheLastPage", Lie::kLastPage, IoCall::kMappingSync, "/commitlog/"},
        Mistake{"SyncsTooLate", Lie::kLate, IoCall::kMappingSync, "/commitlog/"},
        Mistake{"ForgetsTheDirectory", Lie::kNothing, IoCall::kSyncDirectory, "/commitlog"},
        Mistake{"WritesTheCheckpointBeforeTheIndexIsDurable", Lie::kNothing, IoCall::kMappingSync,
                "/index/"},
        Mistake{"WritesTheCheckpointBeforeQueuesAreDurable", Lie::kNothing, IoCall::kMappingSync,
                "/consumequeue/"}),
    [](const testing::TestParamInfo<Mistake>& info) { return info.param.name; });

}  // namespace
}  // namespace apogee
