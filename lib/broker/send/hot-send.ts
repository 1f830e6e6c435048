import type { Connection, FrameHandler, FrameView } from '../../net/connection.ts'
import { ResponseError } from '../../net/handler.ts'
import type { Command } from '../../protocol/command.ts'
import { FLAG_ONEWAY, FLAG_RESPONSE } from '../../protocol/remoting-command.ts'
import { compileScanner, type HeaderScanner } from '../../protocol/scanner.ts'
import type { SendPath } from './send-handlers.ts'
import type { SendRequest } from './send-service.ts'

const FIRST_TEXT_BYTES = 64 * 1024

/** One object for all sends; nobody keeps it. */
class HotSendRequest implements SendRequest {
  to!: SendRequest['to']
  oneway = false
  topic!: SendRequest['topic']
  queueId = 0
  flag = 0
  sysFlag = 0
  bornTimestampMs = 0
  reconsumeTimes = 0
  readonly properties: Buffer
  readonly propertiesStart = 0
  propertiesEnd = 0
  body!: Buffer
  bodyStart = 0
  bodyEnd = 0

  /** @param properties where the property text of each stands from the beginning */
  constructor(properties: Buffer) {
    this.properties = properties
  }
}

/**
 * Sends straight from the receive buffer: the header is scanned in place, bodies stay where they are until the append
 * at the end of the chunk copies them into the log. Leaves everything unusual to the generic handler: other header
 * encodings, topics not seen before, retry topics, client batches.
 */
export class HotSend implements FrameHandler {
  readonly #path: SendPath
  readonly #scanner: HeaderScanner
  readonly #producerGroup: number
  readonly #defaultTopic: number
  readonly #defaultTopicQueueNums: number
  readonly #topic: number
  readonly #queueId: number
  readonly #sysFlag: number
  readonly #bornTimestamp: number
  readonly #flag: number
  readonly #properties: number
  readonly #reconsumeTimes: number
  readonly #batch: number
  /** Property text of the current request, its JSON escapes undone. */
  readonly #text = Buffer.allocUnsafeSlow(FIRST_TEXT_BYTES)
  /** The send that is read now. */
  readonly #request = new HotSendRequest(this.#text)

  constructor(command: Command, path: SendPath) {
    this.#path = path
    this.#scanner = compileScanner(command)
    this.#producerGroup = this.#scanner.slotOf('producerGroup')
    this.#defaultTopic = this.#scanner.slotOf('defaultTopic')
    this.#defaultTopicQueueNums = this.#scanner.slotOf('defaultTopicQueueNums')
    this.#topic = this.#scanner.slotOf('topic')
    this.#queueId = this.#scanner.slotOf('queueId')
    this.#sysFlag = this.#scanner.slotOf('sysFlag')
    this.#bornTimestamp = this.#scanner.slotOf('bornTimestamp')
    this.#flag = this.#scanner.slotOf('flag')
    this.#properties = this.#scanner.slotOf('properties')
    this.#reconsumeTimes = this.#scanner.slotOf('reconsumeTimes')
    this.#batch = this.#scanner.slotOf('batch')
  }

  onFrame(connection: Connection, frame: FrameView): boolean {
    if (frame.serializeType !== 0) return false
    const scanner = this.#scanner
    if (!scanner.scan(frame.buffer, frame.headerStart, frame.headerEnd)) return false
    if ((scanner.flag & FLAG_RESPONSE) !== 0) return false
    if (scanner.bool(this.#batch) || !scanner.has(this.#defaultTopic) || !scanner.has(this.#producerGroup)) return false
    const topic = this.#path.topics.find(frame.buffer, scanner.start(this.#topic), scanner.end(this.#topic))
    if (topic === undefined || topic.isRetry || scanner.textBound(this.#properties) > this.#text.length) return false
    const request = this.#request
    request.to = { connection, opaque: scanner.opaque, serializeType: 0 }
    request.oneway = (scanner.flag & FLAG_ONEWAY) !== 0
    request.topic = topic
    request.queueId = scanner.int(this.#queueId)
    request.flag = scanner.int(this.#flag)
    request.sysFlag = scanner.int(this.#sysFlag)
    request.bornTimestampMs = scanner.int(this.#bornTimestamp)
    request.reconsumeTimes = scanner.has(this.#reconsumeTimes) ? scanner.int(this.#reconsumeTimes) : 0
    request.propertiesEnd = scanner.copyText(this.#properties, this.#text, 0)
    request.body = frame.buffer
    request.bodyStart = frame.bodyStart
    request.bodyEnd = frame.bodyEnd
    if (hasMissingNumber(request) || Number.isNaN(scanner.int(this.#defaultTopicQueueNums))) return false
    try {
      this.#path.service.addSingle(request)
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error
      if (!request.oneway) this.#path.responses.refused(request.to, error.responseCode, error.message)
    }
    return true
  }

  onChunkEnd(): void {
    this.#path.pipeline.flush()
  }
}

/** NaN stands for a number that is absent or none; a sum has it when one part has it. */
const hasMissingNumber = ({ queueId, flag, sysFlag, bornTimestampMs, reconsumeTimes }: SendRequest): boolean =>
  Number.isNaN(queueId + flag + sysFlag + bornTimestampMs + reconsumeTimes)
