import { command, string } from '../command.ts'

/** 315: one figure over a minute, an hour and a day. */
export const viewBrokerStatsData = command({
  code: 315,
  name: 'VIEW_BROKER_STATS_DATA',
  request: { statsName: string, statsKey: string },
})
