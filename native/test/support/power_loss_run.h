#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "io/simulated_store_io.h"
#include "test/support/faulty_store_io.h"
#include "test/support/power_loss_oracle.h"
#include "test/support/store_harness.h"

namespace apogee::test {

// One store under a seeded workload on a simulated disk, whose power is cut again and again. Every
// state that may be left is opened and held against the ledger; some are cut once more within that
// opening, or after more appends.
class PowerLossRun {
 public:
  // `corrupt` is told of the StoreIo the workload runs on, for seeded mistakes; `path`: the only
  // write path, else any.
  explicit PowerLossRun(uint64_t seed, const std::function<void(FaultyStoreIo&)>& corrupt = {},
                        std::optional<WritePath> path = {});

  // Until the workload's end, or the first state with a fault.
  void Go();

  // What was wrong with a state, with how to get there. Empty: nothing.
  const std::vector<std::string>& faults() const { return faults_; }
  int states() const { return states_; }
  int states_with_holes() const { return states_with_holes_; }
  int power_cuts() const { return power_cuts_; }

 private:
  void Step();
  WritePath AnyPath();
  void AwaitDispatched();
  void PutSome();
  void Put(StoreHarness& harness, Ledger* ledger, int count);
  void CutPower();
  std::vector<Survivors> Choices(const PowerLoss& loss);
  void CheckState(const PowerLoss& loss, const Survivors& survivors, const Ledger& ledger);
  void CutWithinRecovery(const PowerLoss& loss, const Survivors& survivors, const Ledger& ledger);
  void AppendAndCutAgain(StoreHarness& reopened, SimulatedStoreIo& disk, const Ledger& ledger);
  // False when it cannot be opened or is not as the ledger says.
  bool OpensRight(StoreHarness& harness, StoreIo& disk, const Ledger& ledger,
                  const std::string& how);
  void Report(const std::string& how, std::vector<std::string> faults);
  uint64_t Below(uint64_t end) { return random_() % end; }

  const uint64_t seed_;
  std::mt19937_64 random_;
  SimulatedStoreIo disk_;
  FaultyStoreIo faulty_{disk_};
  StoreHarness live_;  // uses disk_ until it is destroyed
  Ledger ledger_;
  int next_key_ = 0;
  int states_ = 0;
  int states_with_holes_ = 0;
  int power_cuts_ = 0;
  std::vector<std::string> faults_;
};

}  // namespace apogee::test
