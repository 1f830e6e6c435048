#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>
#include <vector>

#include "io/store_io.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

using OpenMode = StoreIo::OpenMode;

// Lowers a limit of this process until it is destroyed.
class LoweredLimit {
 public:
  LoweredLimit(__rlimit_resource resource, rlim_t limit) : resource_(resource) {
    ::getrlimit(resource, &before_);
    const rlimit lowered{limit, before_.rlim_max};
    ::setrlimit(resource, &lowered);
  }
  ~LoweredLimit() { ::setrlimit(resource_, &before_); }

 private:
  const __rlimit_resource resource_;
  rlimit before_{};
};

class PosixFailureTest : public testing::Test {
 protected:
  std::unique_ptr<StoreFile> Create(const std::string& name) {
    std::unique_ptr<StoreFile> file;
    EXPECT_TRUE(io_.Open(directory_ / name, OpenMode::kCreate, &file).ok());
    return file;
  }
  static void ExpectNames(const Status& status, const std::string& path, const char* reason) {
    EXPECT_NE(status.ToString().find(path), std::string::npos) << status.ToString();
    EXPECT_NE(status.ToString().find(reason), std::string::npos) << status.ToString();
  }

  test::TempDirectory directory_;
  StoreIo& io_ = PosixStoreIo();
};

TEST_F(PosixFailureTest, AShortWriteIsGoneOnWithAndThenSaysWhyItEnded) {
  constexpr size_t kLimit = 5000;
  const auto file = Create("f");
  const std::vector<uint8_t> bytes(8000, 'x');
  uint64_t size_bytes = 0;
  {
    // The kernel writes up to the limit, answers that count, and refuses the rest.
    const auto before = std::signal(SIGXFSZ, SIG_IGN);
    const LoweredLimit limit(RLIMIT_FSIZE, kLimit);
    const Status status = file->Write(0, bytes);
    EXPECT_EQ(status.code(), StatusCode::kIoError);
    EXPECT_EQ(status.error_number(), EFBIG);
    ExpectNames(status, directory_ / "f", "File too large");
    EXPECT_TRUE(file->Size(&size_bytes).ok());
    EXPECT_EQ(size_bytes, kLimit);
    std::signal(SIGXFSZ, before);
  }
  EXPECT_TRUE(file->Write(0, bytes).ok());
  EXPECT_TRUE(file->Size(&size_bytes).ok());
  EXPECT_EQ(size_bytes, bytes.size());
}

TEST_F(PosixFailureTest, WithoutDescriptorsAnOpenSaysSo) {
  Create("there");
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(next, 0);
  ::close(next);
  Status opened;
  Status synced;
  std::unique_ptr<StoreFile> file;
  {
    const LoweredLimit limit(RLIMIT_NOFILE, static_cast<rlim_t>(next));
    opened = io_.Open(directory_ / "there", OpenMode::kReadWrite, &file);
    synced = io_.SyncDirectory(directory_.path());
  }
  EXPECT_EQ(opened.code(), StatusCode::kTooManyFiles);
  EXPECT_EQ(synced.code(), StatusCode::kTooManyFiles);
  ExpectNames(opened, directory_ / "there", "Too many open files");
  EXPECT_TRUE(io_.Open(directory_ / "there", OpenMode::kReadWrite, &file).ok());
}

TEST_F(PosixFailureTest, WithoutAddressSpaceAMappingSaysSo) {
  constexpr uint64_t kHuge = uint64_t{8} << 40;
  const auto file = Create("huge");
  if (!file->Truncate(kHuge).ok()) GTEST_SKIP() << "the file system has no files of 8 TiB";
  std::vector<std::unique_ptr<FileMapping>> mappings;
  Status status;
  while (status.ok() && mappings.size() < 100000) {
    std::unique_ptr<FileMapping> mapping;
    status = file->Map(kHuge, false, &mapping);
    if (status.ok()) mappings.push_back(std::move(mapping));
  }
  EXPECT_EQ(status.code(), StatusCode::kMapLimit);
  EXPECT_EQ(status.error_number(), ENOMEM);
  ExpectNames(status, directory_ / "huge", "mmap");
}

TEST_F(PosixFailureTest, AnInterruptedOpenIsMadeAgain) {
  // Opening a pipe waits for its other end, and a signal ends the wait.
  const std::string path = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  static std::atomic<int> interrupted{0};
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { ++interrupted; };  // without SA_RESTART
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  Status status;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    std::unique_ptr<StoreFile> file;
    status = io_.Open(path, OpenMode::kRead, &file);
    done = true;
  });
  while (interrupted < 3) {
    ::pthread_kill(reader.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  EXPECT_FALSE(done);
  int writer = -1;
  while (writer < 0 && !done) writer = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  reader.join();
  EXPECT_TRUE(status.ok()) << status.ToString();
  if (writer >= 0) ::close(writer);
  ::sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace apogee
