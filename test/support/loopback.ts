import { networkInterfaces } from 'node:os'

/** Whether ::1 exists here; containers often lack it. */
export const hasIpv6Loopback = (): boolean =>
  Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))
