/**
 * What became of one appended row. `0` is success; the others have the meaning of the {@link StoreErrorCode} of the
 * same name. Mirrors the engine's status codes; compared with the addon's own list when it is loaded.
 */
export const AppendStatus = {
  OK: 0,
  INVALID_ARGUMENT: 1,
  NOT_FOUND: 2,
  CLOSED: 3,
  LOCKED: 4,
  READ_ONLY: 5,
  NO_SPACE: 6,
  IO_ERROR: 7,
  CORRUPTION: 8,
  TOO_LARGE: 9,
  TIMEOUT: 10,
  BUSY: 11,
  READ_ONLY_FILE_SYSTEM: 12,
  TOO_MANY_FILES: 13,
  MAP_LIMIT: 14,
} as const
export type AppendStatus = (typeof AppendStatus)[keyof typeof AppendStatus]

/** What a pull found; RocketMQ's GetMessageStatus. Compared with the addon's own list when it is loaded. */
export const PullStatus = {
  /** At least one record was copied, or the first one did not fit (`neededBytes`). */
  FOUND: 0,
  /** Entries were scanned and none passed the tag filter; go on at `nextBeginOffset`. */
  NO_MATCHED_MESSAGE: 1,
  /** The log no longer has the bytes that the entries point to. */
  MESSAGE_WAS_REMOVING: 2,
  /** Within the queue's bounds, but no entry can be read there. */
  OFFSET_FOUND_NULL: 3,
  /** Beyond the queue's end. */
  OFFSET_OVERFLOW_BADLY: 4,
  /** Exactly the queue's end: nothing new yet. */
  OFFSET_OVERFLOW_ONE: 5,
  /** Below the queue's beginning. */
  OFFSET_TOO_SMALL: 6,
  /** No such queue. */
  NO_MATCHED_QUEUE: 7,
  /** The queue exists and never had a message. */
  NO_MESSAGE_IN_QUEUE: 8,
  /** Ours: the first message is likely on disk only and the pull may not wait for it. Read it ahead, then pull again. */
  NOT_IN_MEMORY: 9,
} as const
export type PullStatus = (typeof PullStatus)[keyof typeof PullStatus]
