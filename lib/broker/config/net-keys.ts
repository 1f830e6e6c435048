import { flag, int, long } from '../../base/config-key.ts'
import { serverKeys } from '../../net/server-keys.ts'

const UNUSED = { unused: true } as const
const THREADS = { unused: true, unit: 'threads' } as const
const UNUSED_BYTES = { unused: true, unit: 'bytes' } as const

/** The default port is the broker's. */
export const netServerKeys = serverKeys(10_911, 'port for clients; the VIP port is two below')

/** Every key of Java 4.9.8's NettyClientConfig, in its order. */
export const netClientKeys = {
  clientWorkerThreads: int(4, 'threads that decode', THREADS),
  clientCallbackExecutorThreads: int((machine) => machine.cpuCount, 'threads for callbacks', THREADS),
  clientOnewaySemaphoreValue: int(65_535, 'oneway requests in flight to name servers', {
    unused: true,
    unit: 'requests',
  }),
  clientAsyncSemaphoreValue: int(65_535, 'requests in flight to name servers', { unused: true, unit: 'requests' }),
  connectTimeoutMillis: int(3000, 'how long a connection attempt may take', { unit: 'ms', min: 1 }),
  channelNotActiveInterval: long(60_000, 'dead key of Java', { unused: true, unit: 'ms' }),
  clientChannelMaxIdleTimeSeconds: int(120, 'silence after which a connection to a name server is closed', {
    unit: 's',
    min: 1,
  }),
  clientSocketSndBufSize: int(0, 'send buffer of a socket', UNUSED_BYTES),
  clientSocketRcvBufSize: int(0, 'receive buffer of a socket', UNUSED_BYTES),
  clientPooledByteBufAllocatorEnable: flag(false, 'buffers are pooled', UNUSED),
  clientCloseSocketIfTimeout: flag(true, 'a request without answer closes its connection', UNUSED),
  useTLS: flag(false, 'connections to name servers use TLS; default: as tls.enable and tls.server.mode say'),
  writeBufferHighWaterMark: int(0, 'unsent bytes at which a connection counts as full', UNUSED_BYTES),
  writeBufferLowWaterMark: int(0, 'unsent bytes at which it counts as free again', UNUSED_BYTES),
} as const
