/** Bits of a message's sysFlag. */
export const MessageSysFlag = {
  COMPRESSED: 1,
  MULTI_TAGS: 1 << 1,
  TRANSACTION_PREPARED: 1 << 2,
  TRANSACTION_COMMIT: 2 << 2,
  TRANSACTION_ROLLBACK: 3 << 2,
  BORN_HOST_V6: 1 << 4,
  STORE_HOST_V6: 1 << 5,
  NEED_UNWRAP: 1 << 6,
  INNER_BATCH: 1 << 7,
  COMPRESSION_LZ4: 1 << 8,
  COMPRESSION_ZSTD: 2 << 8,
  COMPRESSION_ZLIB: 3 << 8,
} as const

const TRANSACTION_MASK = 3 << 2
const COMPRESSION_MASK = 7 << 8

/** 0 none, 4 prepared, 8 commit, 12 rollback. */
export const transactionType = (sysFlag: number): number => sysFlag & TRANSACTION_MASK

/** `sysFlag` with another transaction type. */
export const withTransactionType = (sysFlag: number, type: number): number => (sysFlag & ~TRANSACTION_MASK) | type

/** How a compressed body was compressed. Clients of 4.9 leave the type bits 0, which means zlib. */
export const compressionType = (sysFlag: number): 'zlib' | 'lz4' | 'zstd' | 'unknown' => {
  switch (sysFlag & COMPRESSION_MASK) {
    case 0:
    case MessageSysFlag.COMPRESSION_ZLIB:
      return 'zlib'
    case MessageSysFlag.COMPRESSION_LZ4:
      return 'lz4'
    case MessageSysFlag.COMPRESSION_ZSTD:
      return 'zstd'
    default:
      return 'unknown'
  }
}

/** Bits of a pull request's sysFlag. */
export const PullSysFlag = {
  /** `commitOffset` is to be stored. */
  COMMIT_OFFSET: 1,
  /** The request may wait for messages. */
  SUSPEND: 1 << 1,
  /** `subscription` holds the expression; otherwise that of the heartbeat counts. */
  SUBSCRIPTION: 1 << 2,
  CLASS_FILTER: 1 << 3,
  LITE_PULL: 1 << 4,
} as const

/** Bits of a topic's topicSysFlag. */
export const TopicSysFlag = { UNIT: 1, UNIT_SUB: 1 << 1 } as const
