import { readFileSync, statSync } from 'node:fs'
import { errorText } from '../../base/errors.ts'
import { crc32 } from '../../protocol/crc32.ts'
import { isValidTopic } from '../../protocol/names.ts'
import type { Findings } from './findings.ts'
import type { StoreLayout } from './layout.ts'

const MOST_BYTES = 256 << 20
const CRC_DIGITS = 8

/** What the file removed-topics says: messages below these physical offsets belong to no queue any more. */
export interface RemovedTopics {
  readonly ends: ReadonlyMap<string, number>
  /** Why the file cannot be read; undefined when it can, or is not there. */
  readonly problem: string | undefined
}

/** The CRC-32 of the rest in the first line, then an offset and a name in each. */
const parse = (bytes: Buffer): Map<string, number> => {
  const rest = bytes.subarray(CRC_DIGITS + 1)
  const crc = bytes.toString('latin1', 0, CRC_DIGITS + 1)
  if (!/^[0-9a-fA-F]{8}\n$/.test(crc)) throw new Error('it does not begin with a checksum')
  if (Number.parseInt(crc, 16) !== crc32(rest)) throw new Error('its checksum does not fit')
  const ends = new Map<string, number>()
  for (const line of rest.toString('latin1').split('\n').slice(0, -1)) {
    const [, offset, topic = ''] = /^(\d+) (.*)$/.exec(line) ?? []
    if (!Number.isSafeInteger(Number(offset)) || !isValidTopic(topic)) throw new Error('a line names no topic')
    ends.set(topic, Number(offset))
  }
  return ends
}

/** Reads removed-topics as the engine does: a file that is damaged says nothing. */
export const readRemovedTopics = ({ removedTopics: path }: StoreLayout): RemovedTopics => {
  if (path === undefined) return { ends: new Map(), problem: undefined }
  try {
    if (statSync(path).size > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`)
    return { ends: parse(readFileSync(path)), problem: undefined }
  } catch (error) {
    return { ends: new Map(), problem: errorText(error) }
  }
}

/** Tells of a file that the engine cannot read either. */
export const reportRemovedTopics = ({ problem }: RemovedTopics, findings: Findings): void => {
  if (problem === undefined) return
  const message = `${problem}: the engine takes no topic for removed, and a rebuild would bring their queues back`
  findings.add('warning', 'REMOVED_TOPICS_FILE', 'removed-topics', message)
}
