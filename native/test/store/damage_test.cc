#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "format/checkpoint_layout.h"
#include "format/consume_queue_entry.h"
#include "log/mapped_file_queue.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

using test::Properties;
using test::ReadMessage;

namespace fs = std::filesystem;

constexpr int kMessages = 90;

// Bytes of one file that were overwritten.
struct Damage {
  std::string file;  // relative to the store's root
  int64_t from = INT64_MAX;
  int64_t to = 0;
  std::string ToString() const {
    return file + " bytes " + std::to_string(from) + " to " + std::to_string(to);
  }
};

// A store written once, whose copies are damaged at random and opened: whatever the bytes, it
// opens, nothing crashes, no body is served that was not stored, and no message in front of the
// damage is lost.
class DamageTest : public testing::Test, public test::StoreHarness {
 protected:
  void WriteStore() {
    Open();
    for (int n = 0; n < kMessages; ++n) {
      const std::string body = std::to_string(n) + ':' + std::string(n % 7 * 300, 'b');
      const std::string topic = n < 12 ? "OLD" : n % 3 == 0 ? "A" : "B";
      const AppendResult result =
          Put(topic, n % 2, body, Properties({{"UNIQ_KEY", "u" + std::to_string(n)}}));
      written_.push_back({topic, n % 2, result.queue_offset.value, result.physical_offset.value,
                          result.store_time_ms, body, ""});
      ends_.push_back(result.physical_offset.value + result.size_bytes);
      clock.Advance(n % 5 == 0 ? 0 : 700);
    }
    AwaitDispatched();
    original_[0] = directory / "killed";
    test::CopyStore(options.root, original_[0]);
    Close();
    Drop();
    original_[1] = options.root;
  }

  // A seed, or the one that APOGEE_DAMAGE_SEED names.
  static uint32_t FirstSeed() {
    const char* given = std::getenv("APOGEE_DAMAGE_SEED");
    return given == nullptr ? 1 : static_cast<uint32_t>(std::strtoul(given, nullptr, 10));
  }
  static uint32_t Rounds() {
    const char* given = std::getenv("APOGEE_DAMAGE_ROUNDS");
    return given == nullptr ? 40 : static_cast<uint32_t>(std::strtoul(given, nullptr, 10));
  }

  std::vector<std::string> Files(const std::string& part) {
    std::vector<std::string> files;
    if (part == "checkpoint") return {part};
    for (const auto& entry : fs::recursive_directory_iterator(options.root + '/' + part)) {
      if (entry.is_regular_file()) files.push_back(fs::relative(entry, options.root).string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  Damage Hit(const std::string& part, std::mt19937& random) {
    const auto files = Files(part);
    Damage damage;
    damage.file = files[random() % files.size()];
    const std::string path = options.root + '/' + damage.file;
    const std::string bytes = test::ReadFile(path);
    const int64_t size = part == "checkpoint" ? kCheckpointUsedBytes : std::ssize(bytes);
    const auto put = [&](int64_t at, std::string text) {
      text.resize(static_cast<size_t>(std::min<int64_t>(std::ssize(text), size - at)));
      test::Overwrite(path, at, text);
      damage.from = std::min(damage.from, at);
      damage.to = std::max(damage.to, at + std::ssize(text));
    };
    const int64_t at = static_cast<int64_t>(random() % static_cast<uint64_t>(size));
    switch (random() % 6) {
      case 0:
      case 1: {
        const char flipped = static_cast<char>(bytes[static_cast<size_t>(at)] ^ 1 << random() % 8);
        put(at, std::string(1, flipped));
        break;
      }
      case 2:
        put(at - at % 512, std::string(512, '\0'));
        break;
      case 3:
        put(at - at % 4, std::string(random() % 2 == 0 ? 4 : 8, '\xff'));
        break;
      case 4:
        put(at - at % 4, std::string("\x7f\xff\xff\xff\xff\xff\xff\xff", 8));
        break;
      default: {
        std::string noise(1 + random() % 64, '\0');
        for (char& c : noise) c = static_cast<char>(random());
        put(at, noise);
      }
    }
    return damage;
  }

  // How many messages of the log stand wholly in front of the damage.
  size_t Undamaged(const Damage& damage) const {
    if (!damage.file.starts_with("commitlog/")) return written_.size();
    const int64_t at = std::stoll(damage.file.substr(damage.file.find('/') + 1)) + damage.from;
    size_t count = 0;
    while (count < ends_.size() && ends_[count] <= at) ++count;
    return count;
  }

  // Whether the message's own queue entry was hit.
  static bool HitsEntryOf(const Damage& damage, const ReadMessage& message) {
    const std::string queue =
        "consumequeue/" + message.topic + '/' + std::to_string(message.queue_id) + '/';
    if (!damage.file.starts_with(queue)) return false;
    const int64_t at = message.queue_offset * kConsumeQueueEntryBytes -
                       std::stoll(damage.file.substr(queue.size()));
    return at < damage.to && at + kConsumeQueueEntryBytes > damage.from;
  }

  // Everything that can be read from any queue, by body.
  std::multiset<std::string> Served() {
    std::multiset<std::string> bodies;
    for (const QueueName& queue : store->Queues()) {
      TopicHandle topic;
      EXPECT_TRUE(store->Intern(queue.topic, &topic).ok());
      QueueBounds bounds;
      EXPECT_TRUE(store->Bounds(topic, queue.queue_id, &bounds));
      for (QueueOffset next = bounds.min; next < bounds.max;) {
        std::vector<ReadMessage> some;
        PullRequest request;
        request.topic = topic;
        request.queue_id = queue.queue_id;
        request.from = next;
        const PullResult result = Pull(request, &some);
        for (const ReadMessage& message : some) bodies.insert(message.body);
        EXPECT_GT(result.next_begin, next);
        if (result.next_begin <= next) break;
        next = result.next_begin;
      }
    }
    return bodies;
  }

  void ReadByEveryOtherWay() {
    for (const ReadMessage& message : written_) {
      std::vector<uint8_t> record;
      (void)store->ReadRecord({message.physical_offset}, &record);
    }
    for (int n = 0; n < kMessages; ++n) {
      (void)store->QueryByKey("B", "u" + std::to_string(n), 64, 0, INT64_MAX);
    }
    for (const QueueName& queue : store->Queues()) {
      const TopicHandle topic = Topic(queue.topic);
      for (const ReadMessage& message : written_) {
        (void)store->OffsetByTime(topic, queue.queue_id, message.store_time_ms + 1);
        (void)store->StoreTimeAt(topic, queue.queue_id, {message.queue_offset});
      }
    }
  }

  void ExpectSound(const Damage& damage) {
    const auto served = Served();
    std::set<std::string> stored;
    for (const ReadMessage& message : written_) stored.insert(message.body);
    for (const std::string& body : served) EXPECT_TRUE(stored.contains(body)) << body.substr(0, 8);
    const size_t undamaged = Undamaged(damage);
    for (size_t i = 0; i < undamaged; ++i) {
      if (HitsEntryOf(damage, written_[i])) continue;
      EXPECT_EQ(served.count(written_[i].body), 1u) << "message " << i;
    }
  }

  void OneRound(const std::string& part, bool clean, uint32_t seed) {
    std::mt19937 random(seed);
    options.root = directory / "round";
    fs::remove_all(options.root);
    test::CopyStore(original_[clean ? 1 : 0], options.root);
    const Damage damage = Hit(part, random);
    SCOPED_TRACE("seed " + std::to_string(seed) + (clean ? " clean " : " killed ") +
                 damage.ToString());
    const Status status = TryOpen();
    ASSERT_TRUE(status.ok()) << status.ToString();
    ExpectSound(damage);
    ReadByEveryOtherWay();
    Put("NEW", 0, "new", Properties({{"UNIQ_KEY", "new"}}));
    AwaitDispatched();
    EXPECT_EQ(ReadAll("NEW", 0).size(), 1u);
    (void)store->Close();
    const Status again = TryOpen();
    EXPECT_TRUE(again.ok()) << again.ToString();
    if (again.ok()) {
      EXPECT_EQ(ReadAll("NEW", 0).size(), 1u);
    }
    Drop();
  }

  void Rounds(const std::string& part) {
    // A damaged queue offset may make a gap of a million entries: not in files of twenty.
    if (part == "commitlog") options.consume_queue_file_bytes = 20000;
    WriteStore();
    for (uint32_t i = 0; i < Rounds() && !HasFailure(); ++i) {
      OneRound(part, i % 2 == 0, FirstSeed() + i);
    }
  }

  std::string original_[2];  // after a kill, after a close
  std::vector<ReadMessage> written_;
  std::vector<int64_t> ends_;  // of written_, physical
};

// A zeroed header is no end of the log when records follow it, however long its body was.
TEST_F(DamageTest, AZeroedHeaderOfALongRecordCostsThatRecordOnly) {
  options.root = directory / "long";
  options.segment_bytes = 16 << 20;
  Open();
  PutMany("T", 1);
  const AppendResult hit = Put("T", 0, std::string(3 << 20, 'x'));
  PutMany("T", 3);
  Close();
  test::Overwrite(options.root + "/commitlog/" + SegmentName(0), hit.physical_offset.value,
                  std::string(512, '\0'));
  std::filesystem::remove(options.root + "/recovery-point");
  Open();
  EXPECT_EQ(store->recovery().damaged_ranges, 1);
  EXPECT_EQ(ReadAll("T", 0).size(), 4u);
}

TEST_F(DamageTest, OfTheLogCostsNoMessageInFront) { Rounds("commitlog"); }
TEST_F(DamageTest, OfQueuesCostsNoMessage) { Rounds("consumequeue"); }
TEST_F(DamageTest, OfTheIndexCostsNoMessage) { Rounds("index"); }
TEST_F(DamageTest, OfTheCheckpointCostsNoMessage) { Rounds("checkpoint"); }

}  // namespace
}  // namespace apogee
