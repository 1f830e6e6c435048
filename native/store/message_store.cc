#include "store/message_store.h"

#include <utility>

#include "store/message_store_impl.h"

namespace apogee {

Status MessageStore::Open(StoreIo& io, const Clock& clock, const StoreOptions& options,
                          StoreListener listener, std::unique_ptr<MessageStore>* store) {
  auto opened = std::make_unique<MessageStoreImpl>(io, clock, options, std::move(listener));
  APOGEE_RETURN_IF_ERROR(opened->Start());
  *store = std::move(opened);
  return Status::Ok();
}

}  // namespace apogee
