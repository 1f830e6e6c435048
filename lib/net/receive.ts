import { connect, type OnReadOpts, Socket } from 'node:net'

/** Larger reads cost less per byte; beyond this no gain was measured. */
const RECEIVE_BUFFER_BYTES = 256 * 1024

/** Memory that all sockets of one event loop read into in turn: its content is valid only during `onBytes`. */
export const receiveBuffer = (): Buffer => Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES)

/** Takes [0, sizeBytes) of `buffer`. The bytes may be overwritten once it has returned. */
export type OnBytes = (buffer: Buffer, sizeBytes: number) => void

/** `buffer`: into one reused buffer where this Node allows it. `events`: plain `data` events. */
export type ReceiveMode = 'buffer' | 'events'

/** The parts of a socket's handle that re-wrapping needs; internal to Node, hence looked for and not assumed. */
interface SocketInternals {
  _handle: { useUserBuffer?: unknown; readStart?: unknown } | null
}

const canRewrap = (socket: Socket): boolean => {
  const handle = (socket as unknown as SocketInternals)._handle
  return typeof handle?.useUserBuffer === 'function' && typeof handle.readStart === 'function'
}

const onread = (buffer: Buffer, onBytes: OnBytes): OnReadOpts => ({
  buffer,
  callback(sizeBytes) {
    onBytes(buffer, sizeBytes)
    return true
  },
})

const onData = (socket: Socket, onBytes: OnBytes): Socket =>
  socket.on('data', (chunk: Buffer) => onBytes(chunk, chunk.length))

/**
 * Starts reading an accepted socket. Servers have no option for a static receive buffer, so the handle of the accepted
 * socket (which must not have read anything: `pauseOnConnect`) moves into a socket made with one.
 * @returns the socket to use from now on; the given one is dead when it is another
 */
export const receiveAccepted = (accepted: Socket, mode: ReceiveMode, buffer: Buffer, onBytes: OnBytes): Socket => {
  if (mode === 'events' || !canRewrap(accepted)) return onData(accepted, onBytes).resume()
  const internals = accepted as unknown as SocketInternals
  const handle = internals._handle
  internals._handle = null
  accepted.destroy()
  return new Socket({ handle, onread: onread(buffer, onBytes) } as ConstructorParameters<typeof Socket>[0])
}

/** Dials; reading starts when the connection stands. */
export const receiveDialled = (
  to: { host: string; port: number },
  mode: ReceiveMode,
  buffer: Buffer,
  onBytes: OnBytes,
): Socket => {
  if (mode === 'events') return onData(connect(to), onBytes)
  return connect({ ...to, onread: onread(buffer, onBytes) })
}
