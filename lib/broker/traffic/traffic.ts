import type { Parts } from '../../base/lifecycle.ts'
import { type SlowGroupParts, watchSlowGroups } from './slow-groups.ts'
import { TrafficStats } from './traffic-stats.ts'

/** Starts counting, and shutting off groups far behind; both stop with the broker's parts. */
export const startTraffic = async (
  broker: Omit<SlowGroupParts, 'traffic'> & { readonly parts: Parts },
): Promise<TrafficStats> => {
  const { config, clock, parts } = broker
  const traffic = await parts.start('traffic', () => new TrafficStats(clock, config.current.identity.clusterName))
  const watch = watchSlowGroups({ ...broker, traffic })
  parts.onStop('slow groups', () => watch.cancel())
  return traffic
}
