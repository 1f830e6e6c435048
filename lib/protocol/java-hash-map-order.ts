import { javaHashSpread, javaStringHash } from './java-string-hash.ts'

const INITIAL_TABLE = 16
/** Below this table size HashMap grows instead of turning a long chain into a tree. */
const MIN_TREE_TABLE = 64
const LONG_CHAIN = 8

/** Table size of a HashMap after keys with these (spread) hashes were put one by one into `new HashMap()`. */
export const javaTableSize = (hashes: ArrayLike<number>, count: number): number => {
  let table = INITIAL_TABLE
  for (let size = 1; size <= count; size++) {
    if (table < MIN_TREE_TABLE && size > LONG_CHAIN && chainBefore(hashes, size - 1, table) >= LONG_CHAIN) table *= 2
    if (size > table * 0.75) table *= 2
  }
  return table
}

/** Earlier keys in the same bucket as the key at `index`. */
const chainBefore = (hashes: ArrayLike<number>, index: number, table: number): number => {
  const bucket = hashes[index]! & (table - 1)
  let length = 0
  for (let i = 0; i < index; i++) if ((hashes[i]! & (table - 1)) === bucket) length += 1
  return length
}

/**
 * The iteration order of a `java.util.HashMap<String, …>` into which `keys` (distinct) were put in this order: by
 * bucket, and within a bucket by insertion. Buckets that became trees (nine keys that share the low six bits or more)
 * are not modelled; only keys made up for that purpose do it.
 */
export const javaHashMapOrder = (keys: readonly string[]): string[] => {
  const hashes = keys.map((key) => javaHashSpread(javaStringHash(key)))
  const mask = javaTableSize(hashes, hashes.length) - 1
  return keys
    .map((key, index) => ({ key, index, bucket: hashes[index]! & mask }))
    .sort((a, b) => a.bucket - b.bucket || a.index - b.index)
    .map((entry) => entry.key)
}
