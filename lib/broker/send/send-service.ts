import type { Clock } from '../../base/clock.ts'
import { ResponseError } from '../../net/handler.ts'
import { forEachBatchMessage } from '../../protocol/batch-codec.ts'
import { isTrueWord } from '../../protocol/json-bytes.ts'
import { decodeProperties, encodeProperties, inJavaOrder, PropertyName } from '../../protocol/properties.ts'
import { PropertyRewriter } from '../../protocol/property-rewriter.ts'
import { transactionType } from '../../protocol/sys-flags.ts'
import { maxAppendRows } from '../../store/append-batch.ts'
import type { TopicHandle } from '../../store/message-store.ts'
import type { AnswerTo } from '../answer.ts'
import { type Detour, redirected } from '../messages/detour.ts'
import { type NewMessage, withProperties } from '../messages/new-message.ts'
import type { Redirection } from '../retry/retried-send.ts'
import type { SendAdmission } from './admission.ts'
import { HotDetourPath } from './hot-detour-path.ts'
import type { PendingSend, SendPipeline } from './send-pipeline.ts'
import type { SendTopic } from './send-topics.ts'

/** A send request whose topic is resolved. Ranges point into borrowed memory. */
export interface SendRequest {
  to: AnswerTo
  oneway: boolean
  topic: SendTopic
  /** Negative lets the broker choose. */
  queueId: number
  flag: number
  sysFlag: number
  bornTimestampMs: number
  reconsumeTimes: number
  properties: Buffer
  propertiesStart: number
  propertiesEnd: number
  body: Buffer
  bodyStart: number
  bodyEnd: number
}

/** Where a detour leads. */
export type DetourTopic = Pick<SendTopic, 'handle' | 'traffic'>

const WATCH_WAIT = 0
const FIRST_DETOUR_WATCH = 1
const MAX_HOST_BYTES = 16
const NOT_DETOURED = {}
const PROPERTY_SEPARATOR_BYTE = 2
/** Properties of a whole batch, those of the batch repeated for each message, may take so many times a largest body. */
const MAX_BATCH_PROPERTIES_FACTOR = 4
const LEAST_BATCH_PROPERTIES_LIMIT = 1024 * 1024

/** Turns send requests into rows of the pipeline's batch, with Java's checks and stored properties. */
export class SendService {
  readonly #pipeline: SendPipeline
  readonly #clock: Clock
  readonly #admission: SendAdmission
  readonly #clusterName: string
  readonly #acceptFromMs: number
  readonly #maxBodyBytes: number
  readonly #random: () => number
  readonly #detours: readonly Detour[]
  readonly #watches: number
  readonly #detourTopic: (name: string) => DetourTopic
  readonly #recallHandleOf: (stored: NewMessage) => string | undefined
  readonly #hot: HotDetourPath | undefined
  /** Topic that it led to last. */
  #hotTopic = ''
  #hotTopicPlace: DetourTopic | undefined
  readonly #single: PropertyRewriter
  readonly #ofBatch: PropertyRewriter

  constructor(
    pipeline: SendPipeline,
    clock: Clock,
    admission: SendAdmission,
    settings: {
      readonly clusterName: string
      readonly acceptFromMs: number
      readonly maxBodyBytes: number
      /** Chooses queues; in [0, 1). */
      readonly random: () => number
      readonly detours: readonly Detour[]
      /** Topics that detours lead to. */
      readonly detourTopic: (name: string) => DetourTopic
      /** Part of the answer to a message that a detour took. */
      readonly recallHandleOf: (stored: NewMessage) => string | undefined
    },
  ) {
    this.#pipeline = pipeline
    this.#clock = clock
    this.#admission = admission
    this.#clusterName = settings.clusterName
    this.#acceptFromMs = settings.acceptFromMs
    this.#maxBodyBytes = settings.maxBodyBytes
    this.#random = settings.random
    this.#detours = settings.detours
    this.#detourTopic = settings.detourTopic
    this.#recallHandleOf = settings.recallHandleOf
    const put = [[PropertyName.CLUSTER, settings.clusterName]] as const
    const hot = HotDetourPath.needs(settings.detours)
    const concerned = [PropertyName.WAIT, ...new Set(settings.detours.flatMap(({ properties }) => properties))]
    this.#watches = concerned.length
    const watch = [...new Set([...concerned, ...hot.watch])]
    const hotPut = hot.put.map((name) => [name, ''] as const)
    this.#single = new PropertyRewriter({ remove: [PropertyName.WAIT], put: [...put, ...hotPut] }, watch)
    this.#ofBatch = new PropertyRewriter({ remove: [], put }, watch)
    this.#hot = HotDetourPath.of(settings.detours, this.#single, put.length, watch)
  }

  /**
   * Adds one message to the batch.
   * @param redirect asked, once the queue is checked, for a change that comes before all detours
   * @throws {ResponseError} when it may not be stored; nothing was added then
   */
  addSingle(request: SendRequest, redirect?: () => Redirection | undefined): void {
    const queueId = this.checkedQueue(request)
    const redirection = redirect?.()
    const { properties, propertiesStart, propertiesEnd, topic } = request
    const rewriter = this.#single
    rewriter.read(properties, propertiesStart, propertiesEnd)
    const waits = waitsForStore(rewriter, properties)
    const mayDetour = redirection !== undefined || this.#mayDetour(rewriter)
    if (mayDetour && redirection === undefined && this.#addHot(request, queueId, waits)) return
    if (mayDetour && this.#addDetoured(request, queueId, waits, redirection)) return
    const start = this.#prepareSingle(request)
    const { batch } = this.#pipeline
    const end = rewriter.write(batch.aux, start)
    batch.auxUsed = end
    const row = this.#addRow(request, topic.handle, queueId, request.sysFlag | topic.sysFlag, start)
    this.#push(request, queueId, row, 1, waits)
  }

  /** Makes room for one message whose properties the rewriter has read; gives where they go. */
  #prepareSingle({ body, propertiesStart, propertiesEnd }: SendRequest): number {
    const auxBytes = this.#single.sizeBound(propertiesEnd - propertiesStart) + MAX_HOST_BYTES
    this.#pipeline.prepare(body, 1, auxBytes)
    return this.#pipeline.batch.auxUsed
  }

  /** Whether a property is there that some detour goes by. */
  #mayDetour(rewriter: PropertyRewriter): boolean {
    for (let watch = FIRST_DETOUR_WATCH; watch < this.#watches; watch++) {
      if (rewriter.watchedStart(watch) >= 0) return true
    }
    return false
  }

  /** False when the message has to go the other way. */
  #addHot(request: SendRequest, queueId: number, waits: boolean): boolean {
    const target = this.#hot?.take(request, queueId)
    if (target === undefined) return false
    const start = this.#writeHot(request)
    const sysFlag = request.sysFlag | request.topic.sysFlag
    if (target.topic !== this.#hotTopic || this.#hotTopicPlace === undefined) {
      this.#hotTopic = target.topic
      this.#hotTopicPlace = this.#detourTopic(target.topic)
    }
    const { handle, traffic } = this.#hotTopicPlace
    const row = this.#addRow(request, handle, target.queueId, sysFlag, start)
    const { to, oneway, bodyStart, bodyEnd } = request
    const topic = { load: request.topic.load, traffic }
    const detoured = { recallHandle: this.#hot!.recallHandle(target), onStored: target.onStored }
    this.#push({ to, oneway, bodyStart, bodyEnd, topic }, queueId, row, 1, waits, detoured)
    return true
  }

  /** Writes the properties with those that the detour puts; gives where they start. */
  #writeHot(request: SendRequest): number {
    try {
      const start = this.#prepareSingle(request)
      const { batch } = this.#pipeline
      batch.auxUsed = this.#single.write(batch.aux, start, true)
      return start
    } finally {
      this.#hot!.done()
    }
  }

  /** False when no detour takes the message. The answer names the queue that it was sent to. */
  #addDetoured(request: SendRequest, queueId: number, waits: boolean, redirection: Redirection | undefined): boolean {
    const { properties, propertiesStart, propertiesEnd } = request
    const sent = decodeProperties(properties.toString('utf8', propertiesStart, propertiesEnd))
    const message = messageOf(request, queueId, propertiesInBroker(sent, this.#clusterName))
    const changed = redirection?.(message) ?? message
    const stored = redirected(changed, this.#detours)
    if (stored === message) return false
    const inOrder = inJavaOrder(stored.properties)
    // As in Java, what takes a detour is stored with the property WAIT.
    if (stored === changed) inOrder.delete(PropertyName.WAIT)
    const text = Buffer.from(encodeProperties(inOrder))
    this.#pipeline.prepare(request.body, 1, text.length + MAX_HOST_BYTES)
    const { batch } = this.#pipeline
    const start = batch.auxUsed
    text.copy(batch.aux, start)
    batch.auxUsed = start + text.length
    const { handle, traffic } = this.#detourTopic(stored.topic)
    const row = this.#addRow(request, handle, stored.queueId, stored.sysFlag, start)
    this.#push({ ...request, topic: { ...request.topic, traffic } }, queueId, row, 1, waits, {
      recallHandle: this.#recallHandleOf(stored),
    })
    return true
  }

  /** The row of one message whose properties stand in the batch's own memory from `propertiesStart` to its end. */
  #addRow(request: SendRequest, topic: TopicHandle, queueId: number, sysFlag: number, propertiesStart: number): number {
    const { batch } = this.#pipeline
    const propertiesBytes = batch.auxUsed - propertiesStart
    const hostStart = this.#putHost(request)
    const { remote } = request.to.connection
    return batch.add(
      topic,
      queueId,
      request.flag,
      sysFlag,
      request.reconsumeTimes,
      request.bornTimestampMs,
      0,
      hostStart,
      remote.bytes.length,
      remote.port,
      request.bodyStart,
      request.bodyEnd - request.bodyStart,
      propertiesStart,
      propertiesBytes,
      1,
    )
  }

  /**
   * Adds every message of a client batch (SEND_BATCH_MESSAGE); they are stored one behind the other or not at all.
   * @throws {ResponseError}
   */
  addBatch(request: SendRequest): void {
    const queueId = this.checkedQueue(request)
    const { properties, propertiesStart, propertiesEnd, body, bodyStart, bodyEnd } = request
    const count = this.#countBatch(body, bodyStart, bodyEnd)
    const common = Buffer.allocUnsafe(this.#ofBatch.sizeBound(propertiesEnd - propertiesStart))
    const commonBytes = this.#ofBatch.rewrite(properties, propertiesStart, propertiesEnd, common, 0)
    if (this.#mayDetour(this.#ofBatch)) this.#refuseDetour(request, queueId, common.toString('utf8', 0, commonBytes))
    const waits = waitsForStore(this.#ofBatch, properties)
    const auxBytes = bodyEnd - bodyStart + count * (commonBytes + 1) + MAX_HOST_BYTES
    refuseBatch(request.sysFlag, auxBytes, this.#maxBodyBytes)
    this.#pipeline.prepare(body, count, auxBytes)
    const { batch } = this.#pipeline
    const firstRow = batch.count
    const hostStart = this.#putHost(request)
    const { remote } = request.to.connection
    forEachBatchMessage(body, bodyStart, bodyEnd, (messageStart, messageEnd, ownStart, ownEnd, flag) => {
      const start = batch.auxUsed
      body.copy(batch.aux, start, ownStart, ownEnd)
      let end = start + ownEnd - ownStart
      if (end > start && commonBytes > 0 && batch.aux[end - 1] !== PROPERTY_SEPARATOR_BYTE) {
        batch.aux[end++] = PROPERTY_SEPARATOR_BYTE
      }
      common.copy(batch.aux, end, 0, commonBytes)
      end += commonBytes
      batch.auxUsed = end
      batch.add(
        request.topic.handle,
        queueId,
        flag,
        request.sysFlag | request.topic.sysFlag,
        request.reconsumeTimes,
        request.bornTimestampMs,
        0,
        hostStart,
        remote.bytes.length,
        remote.port,
        messageStart,
        messageEnd - messageStart,
        start,
        end - start,
        batch.count === firstRow ? count : 0,
      )
    })
    this.#push(request, queueId, firstRow, count, waits)
  }

  /** Messages of a batch stand one behind the other, in one queue. */
  #refuseDetour(request: SendRequest, queueId: number, properties: string): void {
    const message = messageOf(request, queueId, decodeProperties(properties))
    if (redirected(message, this.#detours) === message) return
    throw new ResponseError(
      'MESSAGE_ILLEGAL',
      'the message is illegal: a batch cannot be delayed or part of a transaction',
    )
  }

  #push(
    request: Pick<SendRequest, 'to' | 'oneway' | 'bodyStart' | 'bodyEnd'> & Pick<PendingSend, 'topic'>,
    queueId: number,
    firstRow: number,
    rows: number,
    waits: boolean,
    { recallHandle, onStored }: Pick<PendingSend, 'recallHandle' | 'onStored'> = NOT_DETOURED,
  ): void {
    const requestBytes = request.bodyEnd - request.bodyStart
    const { to, oneway, topic } = request
    this.#pipeline.push({ to, oneway, topic, queueId, firstRow, rows, waits, requestBytes, recallHandle, onStored })
  }

  #putHost(request: SendRequest): number {
    const { batch } = this.#pipeline
    const start = batch.auxUsed
    const { bytes } = request.to.connection.remote
    batch.aux.set(bytes, start)
    batch.auxUsed = start + bytes.length
    return start
  }

  /**
   * The queue that a message goes to, chosen when the request left that open.
   * @throws {ResponseError} when sends are not taken now, or not for that queue
   */
  checkedQueue({ queueId, topic, to }: Pick<SendRequest, 'queueId' | 'topic' | 'to'>): number {
    this.#admission.check(topic.load)
    if (this.#acceptFromMs > 0 && this.#clock.nowMs() < this.#acceptFromMs) {
      const until = new Date(this.#acceptFromMs).toISOString()
      throw new ResponseError('SYSTEM_ERROR', `broker unable to service, until ${until}`)
    }
    if (queueId >= topic.queueLimit) {
      const { address, port } = to.connection.remote
      const { topicName, readQueueNums, writeQueueNums } = topic.config
      const config = `TopicConfig [topicName=${topicName}, readQueueNums=${readQueueNums}, writeQueueNums=${writeQueueNums}]`
      throw new ResponseError(
        'SYSTEM_ERROR',
        `request queueId[${queueId}] is illegal, ${config} Producer: ${address}:${port}`,
      )
    }
    if (queueId < 0 && topic.config.writeQueueNums <= 0) {
      throw new ResponseError('SYSTEM_ERROR', `topic[${topic.name}] has no queue to write to`)
    }
    return queueId >= 0 ? queueId : Math.floor(this.#random() * topic.config.writeQueueNums)
  }

  #countBatch(body: Buffer, start: number, end: number): number {
    if (end - start > this.#maxBodyBytes) {
      const remark = `the message is illegal, the batch of ${end - start} bytes is over the limit of ${this.#maxBodyBytes}`
      throw new ResponseError('MESSAGE_ILLEGAL', remark)
    }
    const count = forEachBatchMessage(body, start, end, () => {})
    if (count === 0) throw new ResponseError('MESSAGE_ILLEGAL', 'the batch has no message')
    if (count > maxAppendRows) {
      throw new ResponseError('MESSAGE_ILLEGAL', `the batch has ${count} messages, the limit is ${maxAppendRows}`)
    }
    return count
  }
}

/**
 * A batch is no transaction, and what it takes in memory and in the log is bounded by its size on the wire: properties
 * of the batch are stored with every message.
 */
const refuseBatch = (sysFlag: number, propertiesBytes: number, maxBodyBytes: number): void => {
  if (transactionType(sysFlag) !== 0) {
    throw new ResponseError('MESSAGE_ILLEGAL', 'the message is illegal: a batch cannot be part of a transaction')
  }
  const limit = Math.max(LEAST_BATCH_PROPERTIES_LIMIT, MAX_BATCH_PROPERTIES_FACTOR * maxBodyBytes)
  if (propertiesBytes > limit) {
    const remark = `the message is illegal, the batch's properties take ${propertiesBytes} bytes, the limit is ${limit}`
    throw new ResponseError('MESSAGE_ILLEGAL', remark)
  }
}

/** The request as a message of its own, with the properties that are to be stored. */
const messageOf = (request: SendRequest, queueId: number, properties: ReadonlyMap<string, string>): NewMessage => ({
  topic: request.topic.name,
  queueId,
  flag: request.flag,
  sysFlag: request.sysFlag | request.topic.sysFlag,
  bornTimestampMs: request.bornTimestampMs,
  bornHost: request.to.connection.remote,
  reconsumeTimes: request.reconsumeTimes,
  preparedTransactionOffset: 0,
  body: request.body.subarray(request.bodyStart, request.bodyEnd),
  properties,
})

/** What a message has while Java's broker decides where it goes. WAIT is taken out and put back: it comes last then. */
const propertiesInBroker = (sent: ReadonlyMap<string, string>, clusterName: string): Map<string, string> => {
  const properties = withProperties(sent, { [PropertyName.CLUSTER]: clusterName })
  const wait = properties.get(PropertyName.WAIT)
  if (wait !== undefined) {
    properties.delete(PropertyName.WAIT)
    properties.set(PropertyName.WAIT, wait)
  }
  return properties
}

/** Java's Boolean.parseBoolean of a watched property. */
const isTrue = (rewriter: PropertyRewriter, watch: number, source: Buffer): boolean => {
  const start = rewriter.watchedStart(watch)
  return start >= 0 && isTrueWord(source, start, rewriter.watchedEnd(watch))
}

/** WAIT absent means true. */
const waitsForStore = (rewriter: PropertyRewriter, source: Buffer): boolean =>
  rewriter.watchedStart(WATCH_WAIT) < 0 || isTrue(rewriter, WATCH_WAIT, source)
