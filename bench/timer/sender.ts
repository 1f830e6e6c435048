// Sends messages over one connection for bench:timer, in a process of its own.
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { BODY_BYTES, type SendOrder, type SendReport, TOPIC } from './protocol.ts'

const WINDOW = 2048
const CHUNK = 64
const QUEUES = 4
const PLAIN_PROPERTIES = 'KEYS\u0001some-key\u0002TAGS\u0001TagA\u0002UNIQ_KEY\u00017F00000100002A139A5518B4AAC2'

const body = Buffer.alloc(BODY_BYTES, 'x')

const frameOf = (index: number, deliverMs: number | undefined): Buffer => {
  const id = index.toString(16).toUpperCase().padStart(8, '0')
  const plain = `${PLAIN_PROPERTIES}${id}`
  const header = Buffer.from(
    JSON.stringify({
      code: 310,
      extFields: {
        ...{ a: 'bench', b: TOPIC, c: 'TBW102', d: '4', e: String(index % QUEUES), f: '0', g: String(Date.now()) },
        ...{ h: '0', j: '0', k: 'false', m: 'false' },
        i: deliverMs === undefined ? plain : `${plain}\u0002TIMER_DELIVER_MS\u0001${deliverMs}`,
      },
      flag: 0,
      language: 'JAVA',
      opaque: index,
      serializeTypeCurrentRPC: 'JSON',
      version: 453,
    }),
  )
  const frame = Buffer.allocUnsafe(8 + header.length + body.length)
  frame.writeUInt32BE(4 + header.length + body.length, 0)
  frame.writeUInt32BE(header.length, 4)
  header.copy(frame, 8)
  body.copy(frame, 8 + header.length)
  return frame
}

/** Counts answers and those that are no success. */
class Answers {
  count = 0
  failures = 0
  #rest: Buffer = Buffer.alloc(0)

  take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (bytes.length - at >= 4 && bytes.length - at >= 4 + bytes.readUInt32BE(at)) {
      if (bytes.toString('latin1', at + 8, at + 19) !== '{"code":0,"') this.failures += 1
      this.count += 1
      at += 4 + bytes.readUInt32BE(at)
    }
    this.#rest = bytes.subarray(at)
  }
}

const send = async ({ port, count, rate, due }: SendOrder): Promise<SendReport> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.setNoDelay(true)
  const answers = new Answers()
  socket.on('data', (chunk: Buffer) => answers.take(chunk))
  const startedMs = performance.now()
  const firstDueMs = Date.now() + (due?.afterMs ?? 0)
  for (let sent = 0; sent < count; ) {
    const isEarly = rate > 0 && sent > ((performance.now() - startedMs) * rate) / 1000
    if (isEarly || sent - answers.count >= WINDOW) {
      await (isEarly ? delay(1) : once(socket, 'data'))
      continue
    }
    const frames: Buffer[] = []
    for (const end = Math.min(count, sent + CHUNK); sent < end; sent++) {
      frames.push(frameOf(sent, due && Math.floor(firstDueMs + (due.spanMs * sent) / count)))
    }
    socket.write(Buffer.concat(frames))
  }
  while (answers.count < count) await once(socket, 'data')
  socket.destroy()
  return { failures: answers.failures }
}

process.on('message', (order: SendOrder) => {
  void send(order).then((report) => process.send?.(report))
})
