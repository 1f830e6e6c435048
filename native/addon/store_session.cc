#include "addon/store_session.h"

#include <utility>

#include "addon/arguments.h"
#include "addon/store_sessions.h"
#include "base/clock.h"
#include "base/thread_name.h"
#include "io/store_io.h"

namespace apogee::addon {
namespace {

StoreOptions WithFilters(StoreOptions options, std::shared_ptr<CurrentFilterSet> filters) {
  options.consume_queue_ext.bit_map = [filters = std::move(filters)](
                                          const FilterBitMapInput& message,
                                          std::span<uint8_t> into) -> size_t {
    const std::shared_ptr<const FilterSet> set = filters->Get();
    return set == nullptr ? 0 : set->BitMap(message.topic, message.properties, into);
  };
  return options;
}

}  // namespace

StoreSession::StoreSession(napi_env env, StoreSessions& owner, uint32_t id, StoreOptions options,
                           napi_ref on_wake, napi_ref make_error)
    : env_(env),
      owner_(owner),
      id_(id),
      options_(WithFilters(std::move(options), filters_)),
      on_wake_(on_wake),
      make_error_(make_error) {}

std::unique_ptr<StoreSession> StoreSession::Start(napi_env env, StoreSessions& owner, uint32_t id,
                                                  StoreOptions options, napi_ref on_wake,
                                                  napi_ref make_error) {
  std::unique_ptr<StoreSession> session(
      new StoreSession(env, owner, id, std::move(options), on_wake, make_error));
  StoreSession* self = session.get();
  self->wake_ = WakeUp::Create(env, [self](uint32_t reasons) { self->OnWake(reasons); });
  if (self->wake_ == nullptr) return nullptr;
  if (napi_add_env_cleanup_hook(env, OnEnvironmentEnd, self) != napi_ok) return nullptr;
  self->thread_ = std::thread([self] { self->RunOpen(); });
  return session;
}

StoreSession::~StoreSession() {
  if (thread_.joinable()) thread_.join();
  store_.reset();  // closes when still open; the engine's threads are gone afterwards
  if (wake_ != nullptr) {
    napi_remove_env_cleanup_hook(env_, OnEnvironmentEnd, this);
    wake_->Release();
  }
  napi_delete_reference(env_, on_wake_);
  napi_delete_reference(env_, make_error_);
}

void StoreSession::OnEnvironmentEnd(void* session) {
  auto* self = static_cast<StoreSession*>(session);
  self->owner_.Remove(self->id_);
}

void StoreSession::RunOpen() {
  SetThreadName("store-open");
  StoreListener listener{
      .on_progress = [this] { OnEngineProgress(); },
      .on_dispatched = [this] { OnEngineDispatched(); },
      .on_arrival = [this] { wake_->Signal(kWakeArrival); },
      .on_read_ahead = [this] { wake_->Signal(kWakeReadAhead); },
      .on_retention = [this] { wake_->Signal(kWakeRetention); },
      .on_recovery_progress =
          [this](const RecoveryProgress& progress) { OnRecoveryProgress(progress); },
  };
  outcome_ =
      MessageStore::Open(PosixStoreIo(), SystemClock(), options_, std::move(listener), &store_);
  if (outcome_.ok() && store_->watermarks().appended.value > kMaxSafeInteger) {
    outcome_ =
        Status::Error(StatusCode::kCorruption, "the log of " + options_.root + " ends beyond 2^53");
  }
  if (!outcome_.ok()) store_.reset();
  wake_->Signal(kWakeOpened);
}

void StoreSession::RunClose() {
  SetThreadName("store-close");
  outcome_ = store_->Close();
  final_watermarks_ = store_->watermarks();
  final_failure_ = store_->failure();
  store_.reset();
  wake_->Signal(kWakeClosed);
}

void StoreSession::OnRecoveryProgress(const RecoveryProgress& progress) {
  recovery_phase_.store(progress.phase, std::memory_order_relaxed);
  recovery_done_bytes_.store(progress.done_bytes, std::memory_order_relaxed);
  recovery_total_bytes_.store(progress.total_bytes, std::memory_order_relaxed);
  wake_->Signal(kWakeRecovering);
}

RecoveryProgress StoreSession::recovery_progress() const {
  return {recovery_phase_.load(std::memory_order_relaxed),
          recovery_done_bytes_.load(std::memory_order_relaxed),
          recovery_total_bytes_.load(std::memory_order_relaxed)};
}

void StoreSession::OnEngineProgress() {
  // Also tells of a failure, behind which nothing more may be dispatched.
  if (IsWaitedFor(kWakeProgress | kWakeDispatched)) wake_->Signal(kWakeProgress);
}

void StoreSession::OnEngineDispatched() {
  if (IsWaitedFor(kWakeDispatched)) wake_->Signal(kWakeDispatched);
}

// Pairs with SetWaiting: of "the watermark moved" and "somebody waits" at least one side sees the
// other.
bool StoreSession::IsWaitedFor(uint32_t reasons) const {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return (waiting_.load(std::memory_order_relaxed) & reasons) != 0;
}

void StoreSession::SetWaiting(uint32_t reasons) {
  waiting_.store(reasons, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  KeepLoopAliveWhileAwaited();
}

void StoreSession::NoteReadAhead() {
  ++next_ticket_;
  ++reads_awaited_;
  KeepLoopAliveWhileAwaited();
}

void StoreSession::NoteTaken(size_t tickets) {
  reads_awaited_ -= std::min(tickets, reads_awaited_);
  KeepLoopAliveWhileAwaited();
}

void StoreSession::KeepLoopAliveWhileAwaited() {
  wake_->KeepLoopAlive(waiting_.load(std::memory_order_relaxed) != 0 || reads_awaited_ > 0);
}

void StoreSession::BeginClose() {
  state_ = State::kClosing;
  wake_->KeepLoopAlive(true);
  thread_ = std::thread([this] { RunClose(); });
}

bool StoreSession::FinishOpen() {
  thread_.join();
  if (!outcome_.ok()) return false;
  state_ = State::kOpen;
  wake_->KeepLoopAlive(false);
  return true;
}

// Ends with the removal of this session when nothing is left to do. JavaScript may remove it as
// well (by closeAll, when it ends the process from a listener), so nothing of it is used after the
// call.
void StoreSession::OnWake(uint32_t reasons) {
  StoreSessions& owner = owner_;
  const uint32_t id = id_;
  napi_value error = nullptr;
  bool gone = false;
  if ((reasons & kWakeOpened) != 0 && !FinishOpen()) gone = true;
  if ((reasons & kWakeClosed) != 0) {
    thread_.join();
    state_ = State::kClosed;
    gone = true;
  }
  if (gone && !outcome_.ok()) error = MakeError(outcome_);
  TellJavaScript(reasons, error);
  if (gone) owner.Remove(id);
}

void StoreSession::TellJavaScript(uint32_t reasons, napi_value error) {
  const napi_env env = env_;
  napi_value arguments[2];
  napi_value receiver;
  napi_value callback;
  napi_get_undefined(env, &receiver);
  arguments[1] = error == nullptr ? receiver : error;
  if (napi_create_uint32(env, reasons, &arguments[0]) != napi_ok) return;
  if (napi_get_reference_value(env, on_wake_, &callback) != napi_ok) return;
  if (napi_call_function(env, receiver, callback, 2, arguments, nullptr) != napi_pending_exception)
    return;
  // Thrown by a listener: an uncaught exception like any other, not a warning of Node-API.
  napi_value thrown;
  if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) napi_fatal_exception(env, thrown);
}

napi_value StoreSession::MakeError(std::string_view code, std::string_view message,
                                   napi_value cause) const {
  napi_value arguments[3];
  napi_value receiver;
  napi_value factory;
  napi_value error = nullptr;
  if (napi_get_undefined(env_, &receiver) != napi_ok) return nullptr;
  arguments[2] = cause == nullptr ? receiver : cause;
  if (napi_create_string_utf8(env_, code.data(), code.size(), &arguments[0]) != napi_ok)
    return nullptr;
  if (napi_create_string_utf8(env_, message.data(), message.size(), &arguments[1]) != napi_ok)
    return nullptr;
  if (napi_get_reference_value(env_, make_error_, &factory) != napi_ok) return nullptr;
  if (napi_call_function(env_, receiver, factory, 3, arguments, &error) != napi_ok) return nullptr;
  return error;
}

napi_value StoreSession::MakeError(const Status& status, napi_value cause) const {
  return MakeError("STORE_" + std::string(StatusCodeName(status.code())), status.ToString(), cause);
}

}  // namespace apogee::addon
