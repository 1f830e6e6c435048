import { stringifyJava } from '../../base/java-json.ts'
import { JsonReader } from './json-reader.ts'

/** One counter over one window. */
export interface BrokerStatsItem {
  readonly sum: number
  /** Per second. */
  readonly tps: number
  /** Per addition. */
  readonly avgpt: number
}

/** Answer to VIEW_BROKER_STATS_DATA. */
export interface BrokerStatsData {
  readonly statsMinute: BrokerStatsItem
  readonly statsHour: BrokerStatsItem
  readonly statsDay: BrokerStatsItem
}

export const encodeBrokerStatsData = (body: BrokerStatsData): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeBrokerStatsData = (body: Buffer | string): BrokerStatsData => {
  const reader = JsonReader.of(body, 'BrokerStatsData')
  const item = (name: string): BrokerStatsItem => {
    const of = reader.object(name)
    return { sum: of?.number('sum', 0) ?? 0, tps: of?.number('tps', 0) ?? 0, avgpt: of?.number('avgpt', 0) ?? 0 }
  }
  return { statsMinute: item('statsMinute'), statsHour: item('statsHour'), statsDay: item('statsDay') }
}
