import type { MessageStore } from '../store/message-store.ts'

/** What replication needs of the store. */
export type ReplicatedLog = Pick<
  MessageStore,
  | 'flushMode'
  | 'minPhysicalOffset'
  | 'onFlushed'
  | 'readLog'
  | 'readLogAhead'
  | 'replicableEnd'
  | 'requestFlush'
  | 'takeLogDamage'
  | 'watermarks'
  | 'whenCommitted'
>
