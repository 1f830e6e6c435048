import type { StoredMessage } from '../../protocol/message-codec.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'

type ReaderStore = Pick<MessageStore, 'flushMode' | 'watermarks' | 'whenCommitted' | 'whenFlushed'>

/** Reads single halves by where they stand in the log. */
export class HalfReader {
  readonly #store: ReaderStore
  readonly #messages: Pick<StoredMessages, 'at'>

  constructor(store: ReaderStore, messages: Pick<StoredMessages, 'at'>) {
    this.#store = store
    this.#messages = messages
  }

  /** The record that starts there; undefined when none does. Waits for one that was appended and cannot be read yet. */
  async at(physicalOffset: number): Promise<StoredMessage | undefined> {
    const { appended, committed, flushed } = this.#store.watermarks
    const isSync = this.#store.flushMode === 'sync'
    if (physicalOffset < appended && physicalOffset >= (isSync ? flushed : committed)) {
      await (isSync ? this.#store.whenFlushed(appended) : this.#store.whenCommitted(appended))
    }
    return this.#messages.at(physicalOffset)
  }
}
