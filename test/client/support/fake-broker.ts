import type { Connection } from '../../../lib/net/connection.ts'
import { type Handler, handler, type RequestContext, ResponseError, reply } from '../../../lib/net/handler.ts'
import { decodeHeartbeat, encodeConsumerList, type HeartbeatData } from '../../../lib/protocol/bodies/index.ts'
import { encodeHeader, type RequestOf, type ResponseOf } from '../../../lib/protocol/command.ts'
import { getConsumerListByGroup } from '../../../lib/protocol/commands/get-consumer-list-by-group.ts'
import { getMaxOffset } from '../../../lib/protocol/commands/get-max-offset.ts'
import { heartBeat } from '../../../lib/protocol/commands/heart-beat.ts'
import { notifyConsumerIdsChanged } from '../../../lib/protocol/commands/notify-consumer-ids-changed.ts'
import { pullMessage } from '../../../lib/protocol/commands/pull-message.ts'
import { queryConsumerOffset } from '../../../lib/protocol/commands/query-consumer-offset.ts'
import { searchOffsetByTimestamp } from '../../../lib/protocol/commands/search-offset-by-timestamp.ts'
import { sendMessageV2 } from '../../../lib/protocol/commands/send-message-v2.ts'
import { unregisterClient } from '../../../lib/protocol/commands/unregister-client.ts'
import { updateConsumerOffset } from '../../../lib/protocol/commands/update-consumer-offset.ts'
import { encodeRecord } from '../../../lib/protocol/message-codec.ts'
import { decodeProperties } from '../../../lib/protocol/properties.ts'
import type { ResponseCodeName } from '../../../lib/protocol/response-codes.ts'
import { type Running, serve } from '../../net/net-harness.ts'

type Pull = RequestOf<typeof pullMessage>
type Pulled = ResponseOf<typeof pullMessage>

/** A message sent to the broker: header and body as they came. */
export interface Sent {
  readonly header: RequestOf<typeof sendMessageV2>
  readonly body: Buffer
}

const HOST = { bytes: Buffer.from([127, 0, 0, 1]), port: 10911 }

/** A broker of a few lines that keeps everything in arrays and does what the test says. */
export class FakeBroker implements AsyncDisposable {
  readonly name: string
  readonly sent: Sent[] = []
  readonly pulls: Pull[] = []
  readonly heartbeats: HeartbeatData[] = []
  readonly unregistered: RequestOf<typeof unregisterClient>[] = []
  /** Group offsets by `topic:queueId`, all ever committed, in order. */
  readonly commits: { key: string; offset: number }[] = []
  /** Group offsets by `topic:queueId`. */
  readonly offsets = new Map<string, number>()
  /** Answers of the next sends; SUCCESS when there is none. */
  readonly sendAnswers: ResponseCodeName[] = []
  /** When set, answers the next pull with PULL_OFFSET_MOVED to this offset. */
  movedTo: number | undefined
  readonly #records = new Map<string, Buffer[]>()
  readonly #parked = new Set<() => void>()
  readonly #members = new Map<string, Connection>()
  #running: Running | undefined

  private constructor(name: string) {
    this.name = name
  }

  static async start(name: string): Promise<FakeBroker> {
    const broker = new FakeBroker(name)
    broker.#running = await serve(broker.#handlers())
    return broker
  }

  get address(): string {
    return this.#running!.address
  }

  /** Ids of the clients that are members of the group. */
  get members(): string[] {
    return [...this.#members.keys()]
  }

  /** Last offset that was committed. */
  committed(topic: string, queueId: number): number | undefined {
    return this.offsets.get(`${topic}:${queueId}`)
  }

  /** Puts a message into a queue. */
  put(
    topic: string,
    queueId: number,
    body: string | Buffer,
    properties: Record<string, string> = {},
    sysFlag = 0,
  ): void {
    const queue = this.#queue(`${topic}:${queueId}`)
    queue.push(
      encodeRecord({
        queueId,
        flag: 0,
        queueOffset: queue.length,
        physicalOffset: queue.length * 100,
        sysFlag,
        bornTimestamp: 1,
        bornHost: HOST,
        storeTimestamp: 2,
        storeHost: HOST,
        reconsumeTimes: 0,
        preparedTransactionOffset: 0,
        body: Buffer.from(body),
        topic,
        properties: new Map(Object.entries(properties)),
      }),
    )
    for (const wake of [...this.#parked]) wake()
  }

  /** Tells all members that the group changed. */
  notifyMembers(consumerGroup: string): void {
    const extFields = encodeHeader(notifyConsumerIdsChanged.request, { consumerGroup })
    for (const connection of this.#members.values()) {
      connection.oneway({ code: notifyConsumerIdsChanged.code, extFields })
    }
  }

  /** Closes all connections; the members over them are forgotten. */
  loseConnections(): void {
    this.#members.clear()
    for (const connection of this.#running!.connections) connection.close('as the test wants it')
  }

  /** A member that is on the list without being connected. */
  addMember(clientId: string): void {
    this.#members.set(clientId, this.#running!.connections[0]!)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wake of [...this.#parked]) wake()
    await this.#running!.server.stop()
  }

  #queue(key: string): Buffer[] {
    const queue = this.#records.get(key) ?? []
    this.#records.set(key, queue)
    return queue
  }

  #handlers(): Handler[] {
    return [
      handler(sendMessageV2, (header, { request }) => this.#send(header, request.body)),
      handler(pullMessage, (header) => this.#pull(header)),
      handler(heartBeat, (_, context) => this.#heartbeat(context)),
      handler(unregisterClient, (header) => {
        this.unregistered.push(header)
        this.#members.delete(header.clientID)
        return {}
      }),
      handler(getConsumerListByGroup, () => reply({}, { body: encodeConsumerList({ consumerIdList: this.members }) })),
      handler(queryConsumerOffset, ({ topic, queueId }) => {
        const offset = this.committed(topic, queueId)
        if (offset === undefined) throw new ResponseError('QUERY_NOT_FOUND', 'no offset')
        return { offset }
      }),
      handler(updateConsumerOffset, ({ topic, queueId, commitOffset }) => {
        this.#store(`${topic}:${queueId}`, commitOffset)
        return {}
      }),
      handler(getMaxOffset, ({ topic, queueId }) => ({ offset: this.#queue(`${topic}:${queueId}`).length })),
      handler(searchOffsetByTimestamp, ({ timestamp }) => ({ offset: timestamp })),
    ]
  }

  #store(key: string, offset: number): void {
    this.offsets.set(key, offset)
    this.commits.push({ key, offset })
  }

  #heartbeat({ connection, request }: RequestContext): Record<never, never> {
    const heartbeat = decodeHeartbeat(request.body)
    this.heartbeats.push(heartbeat)
    if (heartbeat.consumerDataSet.length > 0) this.#members.set(heartbeat.clientID, connection)
    return {}
  }

  #send(header: Sent['header'], body: Buffer) {
    const code = this.sendAnswers.shift() ?? 'SUCCESS'
    const stored = ['SUCCESS', 'FLUSH_DISK_TIMEOUT', 'FLUSH_SLAVE_TIMEOUT', 'SLAVE_NOT_AVAILABLE'].includes(code)
    if (!stored) throw new ResponseError(code, 'as the test wants it')
    this.sent.push({ header, body })
    const { topic, queueId, properties, sysFlag } = header
    const queueOffset = this.#queue(`${topic}:${queueId}`).length
    this.put(topic, queueId, body, Object.fromEntries(decodeProperties(properties ?? '')), sysFlag)
    return reply({ msgId: 'A'.repeat(32), queueId, queueOffset, MSG_REGION: 'R', TRACE_ON: 'true' }, { code })
  }

  async #pull(pull: Pull) {
    this.pulls.push(pull)
    const key = `${pull.topic}:${pull.queueId}`
    if ((pull.sysFlag & 1) !== 0) this.#store(key, pull.commitOffset)
    const queue = this.#queue(key)
    const at = (nextBeginOffset: number): Pulled => {
      return { suggestWhichBrokerId: 0, nextBeginOffset, minOffset: 0, maxOffset: queue.length }
    }
    if (this.movedTo !== undefined) {
      const moved = at(this.movedTo)
      this.movedTo = undefined
      return reply(moved, { code: 'PULL_OFFSET_MOVED' })
    }
    if (pull.queueOffset >= queue.length) await this.#arrival()
    const found = queue.slice(pull.queueOffset, pull.queueOffset + pull.maxMsgNums)
    if (found.length === 0) return reply(at(pull.queueOffset), { code: 'PULL_NOT_FOUND' })
    return reply(at(pull.queueOffset + found.length), { body: Buffer.concat(found) })
  }

  /** The next message of any queue. */
  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#parked.delete(wake)
        resolve()
      }
      this.#parked.add(wake)
    })
  }
}
