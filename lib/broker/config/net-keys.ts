import { flag, int, long } from './config-key.ts'

const UNUSED = { unused: true } as const
const THREADS = { unused: true, unit: 'threads' } as const
const UNUSED_BYTES = { unused: true, unit: 'bytes' } as const

/** Every key of Java 4.9.8's NettyServerConfig, in its order. The default port is the broker's. */
export const netServerKeys = {
  listenPort: int(10_911, 'port for clients; the VIP port is two below', { min: 0, max: 65_535 }),
  serverWorkerThreads: int(8, 'threads that decode', THREADS),
  serverCallbackExecutorThreads: int(0, 'threads for callbacks', THREADS),
  serverSelectorThreads: int(3, 'threads that read', THREADS),
  serverOnewaySemaphoreValue: int(256, 'oneway requests in flight to clients', { unused: true, unit: 'requests' }),
  serverAsyncSemaphoreValue: int(64, 'requests in flight to clients', { unused: true, unit: 'requests' }),
  serverChannelMaxIdleTimeSeconds: int(120, 'silence after which a connection is closed', { unit: 's', min: 1 }),
  serverSocketSndBufSize: int(0, 'send buffer of a socket; 0 leaves it to the system', UNUSED_BYTES),
  serverSocketRcvBufSize: int(0, 'receive buffer of a socket; 0 leaves it to the system', UNUSED_BYTES),
  writeBufferHighWaterMark: int(0, 'unsent bytes at which a connection counts as full', UNUSED_BYTES),
  writeBufferLowWaterMark: int(0, 'unsent bytes at which it counts as free again', UNUSED_BYTES),
  serverSocketBacklog: int(1024, 'connections waiting to be accepted', { min: 1 }),
  serverPooledByteBufAllocatorEnable: flag(true, 'buffers are pooled', UNUSED),
  useEpollNativeSelector: flag(false, 'kind of selector', UNUSED),
} as const

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
  useTLS: flag(false, 'connections to name servers use TLS', UNUSED),
  writeBufferHighWaterMark: int(0, 'unsent bytes at which a connection counts as full', UNUSED_BYTES),
  writeBufferLowWaterMark: int(0, 'unsent bytes at which it counts as free again', UNUSED_BYTES),
} as const
