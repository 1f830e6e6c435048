#include "test/support/power_loss_run.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace apogee::test {
namespace {

constexpr int kSteps = 60;
constexpr size_t kExhaustiveBelow = 4;  // changes
constexpr int kSeededStates = 4;
constexpr const char* kTopics[] = {"A", "B", "C"};

}  // namespace

PowerLossRun::PowerLossRun(uint64_t seed, const std::function<void(FaultyStoreIo&)>& corrupt,
                           std::optional<WritePath> path)
    : seed_(seed), random_(seed) {
  live_.io = &faulty_;
  live_.options.root = "/store";
  live_.options.segment_bytes = Below(2) == 0 ? 16 * 1024 : 32 * 1024;
  live_.options.flush.mode = Below(2) == 0 ? FlushMode::kSync : FlushMode::kAsync;
  live_.options.flush.interval_ms = 2;
  live_.options.consume_queue_flush_interval_ms = Below(2) == 0 ? 1 : 1000;
  live_.options.flush.commit_interval_ms = 1;
  live_.options.flush.commit_least_pages = static_cast<int32_t>(Below(2));
  live_.options.write_path = path.value_or(AnyPath());
  live_.options.staging_bytes = kLeastStagingBytes;
  live_.options.direct_io = !path && Below(4) == 0;
  live_.options.dispatch_durable_only = Below(2) == 0;
  live_.options.consume_queue_ext.enabled = seed % 2 == 0;
  live_.options.consume_queue_ext.file_bytes = 8 * 1024;
  live_.Open();
  if (corrupt) corrupt(faulty_);
}

WritePath PowerLossRun::AnyPath() {
  const bool sync = live_.options.flush.mode == FlushMode::kSync;
  const WritePath paths[] = {WritePath::kMapped, WritePath::kStaged,
                             sync ? WritePath::kAuto : WritePath::kPool};
  return paths[Below(3)];
}

void PowerLossRun::Go() {
  for (int i = 0; i < kSteps && faults_.empty(); ++i) Step();
  if (faults_.empty()) CutPower();
  live_.Drop();
}

void PowerLossRun::Step() {
  switch (Below(10)) {
    default:
      PutSome();
      break;
    case 6:
      live_.clock.Advance(static_cast<int64_t>(Below(5000)));
      break;
    case 7: {
      const PhysicalOffset end = live_.store->watermarks().appended;
      live_.store->RequestFlush(end);
      live_.Await([&] { return live_.store->watermarks().flushed >= end; });
      break;
    }
    case 8:
      AwaitDispatched();
      if (Below(6) == 0) {
        live_.Close();
        live_.clock.Advance(
            1);  // no process starts within the millisecond its predecessor ended in
        live_.Open();
      }
      break;
    case 9:
      CutPower();
      break;
  }
}

// Some write paths let nothing be dispatched before it is written or durable.
void PowerLossRun::AwaitDispatched() {
  const bool mapped = live_.options.write_path == WritePath::kMapped;
  if (!mapped || live_.options.dispatch_durable_only)
    live_.store->RequestFlush(live_.store->watermarks().appended);
  live_.AwaitDispatched();
}

void PowerLossRun::PutSome() { Put(live_, &ledger_, static_cast<int>(1 + Below(4))); }

// Single messages, or one batch.
void PowerLossRun::Put(StoreHarness& harness, Ledger* ledger, int count) {
  const std::string topic = kTopics[Below(3)];
  const auto queue_id = static_cast<int32_t>(Below(2));
  const bool batch = Below(3) == 0;
  std::vector<std::string> bodies;
  std::vector<std::string> keys;
  std::vector<std::string> properties;
  for (int i = 0; i < count; ++i) {
    bodies.push_back(std::to_string(next_key_) +
                     std::string(Below(3) == 0 ? 2500 : Below(300), 'b'));
    keys.push_back("k" + std::to_string(next_key_++));
    properties.push_back(Properties({{"KEYS", keys.back()}, {"TAGS", keys.back()}}));
  }
  std::vector<AppendRequest> requests;
  std::vector<AppendResult> results(static_cast<size_t>(count));
  for (size_t i = 0; i < results.size(); ++i) {
    requests.push_back(harness.Request(topic, queue_id, bodies[i], properties[i]));
    if (batch) requests.back().batch_size = i == 0 ? count : 0;
  }
  harness.store->Append(requests, results);
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].status != StatusCode::kOk) {
      Report("append", {std::string(StatusCodeName(results[i].status))});
      return;
    }
    ledger->Add(requests[i], results[i], topic, keys[i], harness.options.store_host);
  }
  if (Below(2) == 0) harness.store->RequestFlush(harness.store->watermarks().appended);
}

std::vector<Survivors> PowerLossRun::Choices(const PowerLoss& loss) {
  using Kind = Survivors::Kind;
  std::vector<Survivors> choices = {{Kind::kNone}, {Kind::kAll}};
  const uint64_t changes = loss.changes();
  if (changes < 2) return choices;
  const bool every = changes <= kExhaustiveBelow;
  for (uint64_t i = 0; i < (every ? changes : 2); ++i) {
    const uint64_t number = every ? i : Below(changes);
    choices.push_back({Kind::kPrefix, number});
    choices.push_back({Kind::kAllButOne, number});
    choices.push_back({Kind::kOnlyOne, number});
  }
  for (int i = 0; i < kSeededStates; ++i) choices.push_back({Kind::kSeeded, random_(), i % 2 == 0});
  return choices;
}

void PowerLossRun::CutPower() {
  // Acknowledged first: what becomes durable between the two is only more.
  ledger_.Acknowledge(live_.store->watermarks().flushed.value);
  const PowerLoss loss = disk_.CutPower(Below(2) == 0 ? 1 : 4);
  ++power_cuts_;
  for (const Survivors& survivors : Choices(loss)) {
    if (!faults_.empty()) return;
    CheckState(loss, survivors, ledger_);
    if (faults_.empty() && Below(6) == 0) CutWithinRecovery(loss, survivors, ledger_);
  }
}

bool PowerLossRun::OpensRight(StoreHarness& harness, StoreIo& disk, const Ledger& ledger,
                              const std::string& how) {
  ++states_;
  harness.options = live_.options;
  if (Below(3) == 0) {  // started with another configuration
    const bool sync = harness.options.flush.mode == FlushMode::kSync;
    harness.options.flush.mode = sync ? FlushMode::kAsync : FlushMode::kSync;
    harness.options.write_path = WritePath::kAuto;
  }
  harness.io = &disk;
  harness.clock.Advance(live_.clock.NowMs() - harness.clock.NowMs() + 1000);
  const Status status = harness.TryOpen();
  if (!status.ok()) {
    Report(how, {"it does not open: " + status.ToString()});
    return false;
  }
  std::vector<std::string> faults =
      ledger.FaultsOf(*harness.store, QuarantineList(disk, harness.options.root));
  if (faults.empty()) return true;
  for (const std::string& note : harness.store->recovery().notes) faults.push_back("note: " + note);
  Report(how, std::move(faults));
  return false;
}

void PowerLossRun::CheckState(const PowerLoss& loss, const Survivors& survivors,
                              const Ledger& ledger) {
  const std::string how = survivors.ToString() + " of " + std::to_string(loss.changes());
  const auto disk = loss.Restart(survivors);
  StoreHarness reopened;
  if (!OpensRight(reopened, *disk, ledger, how)) return;
  // Recovered is recovered: another cut right behind it takes nothing, and what was passed over
  // stays so.
  const int64_t log_end = reopened.store->recovery().end.value;
  const Ledger kept = ledger.Kept(log_end, QuarantineList(*disk, live_.options.root));
  if (kept.lost() > 0) ++states_with_holes_;
  const auto again = disk->CutPower().Restart({});
  StoreHarness second;
  if (!OpensRight(second, *again, kept, how + ", recovered twice")) return;
  // The blank at a segment's end may count as part of the log or not.
  const int64_t second_end = second.store->recovery().end.value;
  if (second_end > log_end) {
    Report(how, {"the log ended at " + std::to_string(log_end) + ", and at " +
                 std::to_string(second_end) + " when it was recovered once more"});
  }
  second.Drop();
  if (faults_.empty() && Below(4) == 0) AppendAndCutAgain(reopened, *disk, kept);
  reopened.Drop();
}

// Or closed in order: then the next opening starts at the recovery point.
void PowerLossRun::AppendAndCutAgain(StoreHarness& reopened, SimulatedStoreIo& disk,
                                     const Ledger& ledger) {
  Ledger longer = ledger;
  const auto puts = Below(20);
  for (uint64_t i = 0; i < puts && faults_.empty(); ++i) Put(reopened, &longer, 1);
  const bool close = Below(3) == 0;
  if (close) reopened.Close();
  longer.Acknowledge(reopened.store->watermarks().flushed.value);
  const PowerLoss loss = disk.CutPower();
  for (const Survivors& survivors :
       {Survivors{}, Survivors{Survivors::Kind::kSeeded, random_(), true}}) {
    const auto again = loss.Restart(survivors);
    StoreHarness third;
    OpensRight(third, *again, longer,
               survivors.ToString() + ", after more appends" + (close ? " and a close" : ""));
    third.Drop();
    if (!faults_.empty()) return;
  }
}

void PowerLossRun::CutWithinRecovery(const PowerLoss& loss, const Survivors& survivors,
                                     const Ledger& ledger) {
  const auto disk = loss.Restart(survivors);
  FaultyStoreIo faulty(*disk);
  const auto kth = static_cast<int>(1 + Below(60));
  faulty.FailFrom(kth, EIO);
  {
    StoreHarness cut;
    cut.options = live_.options;
    cut.io = &faulty;
    cut.clock.Advance(live_.clock.NowMs() - cut.clock.NowMs() + 1000);
    // It may also end before that call.
    [[maybe_unused]] const Status status = cut.TryOpen();
    cut.Drop();
  }
  const Survivors then{Survivors::Kind::kSeeded, random_(), Below(2) == 0};
  const auto after = disk->CutPower().Restart(then);
  StoreHarness reopened;
  OpensRight(reopened, *after, ledger,
             survivors.ToString() + ", then at call " + std::to_string(kth) + " of recovery " +
                 then.ToString());
  reopened.Drop();
}

void PowerLossRun::Report(const std::string& how, std::vector<std::string> faults) {
  if (faults.size() > 12) faults.resize(12);
  for (const std::string& fault : faults) {
    faults_.push_back("seed " + std::to_string(seed_) + ", power cut " +
                      std::to_string(power_cuts_) + ", survivors " + how + ": " + fault);
  }
}

}  // namespace apogee::test
