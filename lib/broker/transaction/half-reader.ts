import type { StoredMessage } from '../../protocol/message-codec.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'

/** Reads single halves by where they stand in the log. */
export class HalfReader {
  readonly #store: Pick<MessageStore, 'watermarks' | 'whenCommitted'>
  readonly #messages: Pick<StoredMessages, 'at'>

  constructor(store: Pick<MessageStore, 'watermarks' | 'whenCommitted'>, messages: Pick<StoredMessages, 'at'>) {
    this.#store = store
    this.#messages = messages
  }

  /** The record that starts there; undefined when none does. Waits for one that was appended and cannot be read yet. */
  async at(physicalOffset: number): Promise<StoredMessage | undefined> {
    const { appended, committed } = this.#store.watermarks
    if (physicalOffset >= committed && physicalOffset < appended) await this.#store.whenCommitted(appended)
    return this.#messages.at(physicalOffset)
  }
}
