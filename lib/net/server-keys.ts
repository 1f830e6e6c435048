import { flag, int } from '../base/config-key.ts'

const UNUSED = { unused: true } as const
const THREADS = { unused: true, unit: 'threads' } as const
const UNUSED_BYTES = { unused: true, unit: 'bytes' } as const

/** Every key of Java 4.9.8's NettyServerConfig, in its order. */
export const serverKeys = (listenPort: number, portMeaning: string) => ({
  listenPort: int(listenPort, portMeaning, { min: 0, max: 65_535 }),
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
})
