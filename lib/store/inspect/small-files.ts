import { readFileSync, statSync } from 'node:fs'
import { errorText } from '../../base/errors.ts'
import { parseJavaJson } from '../../base/java-json.ts'
import { crc32 } from '../../protocol/crc32.ts'
import { readInt64 } from '../../protocol/int64.ts'
import { isValidTopic } from '../../protocol/names.ts'
import type { Findings } from './findings.ts'
import type { StoreLayout } from './layout.ts'

const CHECKPOINT_BYTES = 4096
/** A checkpoint may name a record that a clock going back has stored before. */
const MARGIN_MS = 3000
const MOST_CONFIG_BYTES = 256 << 20
const MOST_RETENTION_BYTES = 4 << 20

/** Java's checkpoint: store times in milliseconds up to which everything is durable. */
export interface CheckpointTimes {
  readonly physicalMs: number
  readonly logicMs: number
  readonly indexMs: number
}

/** Reads Java's checkpoint file; undefined when it is too short to be one. */
export const readCheckpoint = (path: string): CheckpointTimes | undefined => {
  const bytes = readFileSync(path)
  if (bytes.length < 24) return undefined
  return { physicalMs: readInt64(bytes, 0), logicMs: readInt64(bytes, 8), indexMs: readInt64(bytes, 16) }
}

/** Holds the checkpoint against the newest store time of the log (0 for an empty log). */
export const checkCheckpoint = (layout: StoreLayout, newestMs: number, findings: Findings): void => {
  const { checkpoint: path } = layout
  if (path === undefined) {
    if (layout.segments.length > 0) findings.add('warning', 'CHECKPOINT', 'checkpoint', 'there is no checkpoint')
    return
  }
  const { size } = statSync(path)
  const times = size === CHECKPOINT_BYTES ? readCheckpoint(path) : undefined
  if (times === undefined) {
    const message = `the file has ${size} bytes instead of ${CHECKPOINT_BYTES}`
    findings.add('error', 'CHECKPOINT', 'checkpoint', message)
    return
  }
  for (const [name, ms, position] of [
    ['log', times.physicalMs, 0],
    ['queues', times.logicMs, 8],
    ['index', times.indexMs, 16],
  ] as const) {
    if (ms < 0) findings.add('error', 'CHECKPOINT', 'checkpoint', `the time of the ${name} is ${ms}`, { position })
    else if (ms > newestMs + MARGIN_MS) {
      const message = `the time of the ${name} is ${ms}, the newest record was stored at ${newestMs}`
      findings.add('error', 'CHECKPOINT', 'checkpoint', message, { position })
    }
  }
}

/** Parses the JSON files of config/ in Java's dialect. Answers how many there are. */
export const checkConfigFiles = (layout: StoreLayout, findings: Findings): number => {
  for (const path of layout.configFiles) {
    const name = layout.nameOf(path)
    try {
      if (statSync(path).size > MOST_CONFIG_BYTES) throw new Error(`more than ${MOST_CONFIG_BYTES} bytes`)
      parseJavaJson(readFileSync(path, 'utf8'))
    } catch (error) {
      // A broker reads the backup when the file itself cannot be read.
      findings.add(path.endsWith('.bak') ? 'warning' : 'error', 'CONFIG_BROKEN', name, errorText(error))
    }
  }
  return layout.configFiles.length
}

/** What the engine can make nothing of; undefined when it can. */
const retentionProblem = (bytes: Buffer): string | undefined => {
  const end = bytes.lastIndexOf('crc32 ')
  if (end < 0) return 'it has no checksum'
  const expected = `crc32 ${crc32(bytes, 0, end).toString(16).padStart(8, '0')}\n`
  if (bytes.toString('latin1', end) !== expected) return 'its checksum does not fit'
  for (const line of bytes.toString('latin1', 0, end).split('\n').slice(0, -1)) {
    const [, topic] = /^topic (\S+) -?\d+ -?\d+$/.exec(line) ?? []
    const isKnown = /^verified -?\d+$|^doubted [01]$/.test(line) || (topic !== undefined && isValidTopic(topic))
    if (!isKnown) return `it has a line of no known kind: ${JSON.stringify(line.slice(0, 200))}`
  }
  return undefined
}

/** Reads retention.txt as the engine does. */
export const checkRetentionFile = ({ retention: path }: StoreLayout, findings: Findings): void => {
  if (path === undefined) return
  const { size } = statSync(path)
  const problem = size > MOST_RETENTION_BYTES ? `it has ${size} bytes` : retentionProblem(readFileSync(path))
  if (problem === undefined) return
  const message = `${problem}: topics are kept as long as the log is, until set again`
  findings.add('warning', 'RETENTION_FILE', 'retention.txt', message)
}
