import type { JavaJson } from '../../base/java-json.ts'
import { stringifyJava } from '../../base/java-json.ts'
import { JsonReader } from './json-reader.ts'

/** Version of a table of settings. Equality decides whether a copy is fresh. */
export interface DataVersion {
  /** Changes since the table began. */
  readonly counter: number
  /** Time of the last change, ms since the epoch. */
  readonly timestamp: number
  /** Written by 5.x only. */
  readonly stateVersion?: number
}

export const dataVersionOf = (value: JavaJson, what = 'DataVersion'): DataVersion => {
  const reader = new JsonReader(value, what)
  const stateVersion = reader.number('stateVersion', undefined)
  return {
    counter: reader.number('counter', 0),
    timestamp: reader.number('timestamp', 0),
    ...(stateVersion === undefined ? {} : { stateVersion }),
  }
}

/** The version one change later. */
export const nextDataVersion = (version: DataVersion, nowMs: number): DataVersion => ({
  ...version,
  counter: version.counter + 1,
  timestamp: nowMs,
})

/** Equality as each line sees it: a `stateVersion` that one side does not have is not compared. */
export const sameDataVersion = (a: DataVersion, b: DataVersion): boolean =>
  a.counter === b.counter &&
  a.timestamp === b.timestamp &&
  (a.stateVersion === undefined || b.stateVersion === undefined || a.stateVersion === b.stateVersion)

export const encodeDataVersion = (version: DataVersion): Buffer => Buffer.from(stringifyJava(version))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeDataVersion = (body: Buffer | string): DataVersion =>
  dataVersionOf(JsonReader.of(body, 'DataVersion').members as JavaJson)
