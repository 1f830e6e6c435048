import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Clock, systemClock } from '../../lib/base/clock.ts'
import { silentLogger } from '../../lib/base/logging.ts'
import type { Connection } from '../../lib/net/connection.ts'
import { type Handler, handler, reply } from '../../lib/net/handler.ts'
import { type Listener, RemotingServer, type ServerOptions } from '../../lib/net/server.ts'
import { command, optional, string } from '../../lib/protocol/command.ts'
import { decodeFrame, encodeFrame } from '../../lib/protocol/frame.ts'
import type { RemotingCommand } from '../../lib/protocol/remoting-command.ts'

/** Answers with the text and body it was sent. */
export const echo = command({
  code: 901,
  name: 'ECHO',
  request: { text: string },
  response: { text: optional(string) },
})
export const echoHandler = handler(echo, ({ text }, { request }) => reply({ text }, { body: request.body }))

export interface Running extends AsyncDisposable {
  readonly server: RemotingServer
  readonly port: number
  readonly address: string
  /** In the order they came. */
  readonly connections: readonly Connection[]
}

/** A server on a free port of the loopback interface; stops when it goes out of scope. */
export const serve = async (
  handlers: readonly Handler[],
  options: Partial<ServerOptions> & { frameHandlers?: Listener['frameHandlers'] } = {},
): Promise<Running> => {
  const connections: Connection[] = []
  const { frameHandlers, clock = systemClock as Clock, logger = silentLogger, ...rest } = options
  const server = new RemotingServer({
    unknownCode: 'answer-not-supported',
    onConnection: (connection) => connections.push(connection),
    ...rest,
    clock,
    logger,
  })
  const { port } = await server.listen({
    host: '127.0.0.1',
    port: 0,
    handlers,
    ...(frameHandlers === undefined ? {} : { frameHandlers }),
  })
  return {
    server,
    port,
    address: `127.0.0.1:${port}`,
    connections,
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

/** A socket that keeps what it gets. Gone when it goes out of scope. */
export class Peer implements Disposable {
  readonly socket: Socket
  /** Sizes of the chunks received. */
  readonly chunks: number[] = []
  received = Buffer.alloc(0)
  closed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closed = true
    })
    socket.on('data', (chunk) => {
      this.chunks.push(chunk.length)
      this.received = Buffer.concat([this.received, chunk])
    })
  }

  static async connect(port: number): Promise<Peer> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Peer(socket)
  }

  /** Complete frames received so far. */
  frames(): RemotingCommand[] {
    const frames: RemotingCommand[] = []
    for (let at = 0; this.received.length - at >= 4; ) {
      const end = at + 4 + this.received.readInt32BE(at)
      if (end > this.received.length) break
      frames.push(decodeFrame(this.received, at + 4, end))
      at = end
    }
    return frames
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** Bytes of one echo request. */
export const echoFrame = (opaque: number, text: string, body?: Buffer, flag = 0): Buffer =>
  encodeFrame({ code: echo.code, opaque, flag, extFields: new Map([['text', text]]), body })
