import { handler, ResponseError, reply } from '../../net/handler.ts'
import { encodeBrokerStatsData } from '../../protocol/bodies/broker-stats.ts'
import { viewBrokerStatsData } from '../../protocol/commands/view-broker-stats-data.ts'
import type { StatsItem } from '../traffic/stats-item.ts'

/** One counter over the last minute, hour and day. */
export const viewBrokerStatsHandler = (stats: { find(statsName: string, statsKey: string): StatsItem | undefined }) =>
  handler(viewBrokerStatsData, ({ statsName, statsKey }) => {
    const item = stats.find(statsName, statsKey)
    if (item === undefined) throw new ResponseError('SYSTEM_ERROR', `The stats <${statsName}> <${statsKey}> not exist`)
    const body = encodeBrokerStatsData({
      statsMinute: item.window('minute'),
      statsHour: item.window('hour'),
      statsDay: item.window('day'),
    })
    return reply({}, { body })
  })
