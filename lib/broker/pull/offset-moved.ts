import type { Clock } from '../../base/clock.ts'
import { hostAddress } from '../../protocol/host-address.ts'
import { SystemTopic } from '../../protocol/names.ts'
import { encodeProperties, inJavaOrder, PropertyName } from '../../protocol/properties.ts'
import { AppendBatch } from '../../store/append-batch.ts'
import type { MessageStore } from '../../store/message-store.ts'

/** A consumer group's offset that lay outside its queue. */
export interface OffsetMoved {
  readonly group: string
  readonly topic: string
  readonly queueId: number
  readonly asked: number
  readonly corrected: number
}

const AUX_BYTES = 4096

/** Records corrections of consumer offsets as messages of OFFSET_MOVED_EVENT, where Java's tools look for them. */
export class OffsetMovedEvents {
  readonly #store: Pick<MessageStore, 'topic' | 'append'>
  readonly #clock: Clock
  readonly #brokerName: string
  readonly #host: { readonly bytes: Buffer; readonly port: number }
  readonly #batch = new AppendBatch(1, AUX_BYTES)

  constructor(
    store: Pick<MessageStore, 'topic' | 'append'>,
    clock: Clock,
    broker: { readonly name: string; readonly address: string; readonly port: number },
  ) {
    this.#store = store
    this.#clock = clock
    this.#brokerName = broker.name
    this.#host = hostAddress(broker.address, broker.port)
  }

  /** Appends one event; its loss harms nothing, so nobody waits for it. */
  record(event: OffsetMoved): void {
    const { group, topic, queueId, asked, corrected } = event
    const messageQueue = { brokerName: this.#brokerName, queueId, topic }
    const body = JSON.stringify({ consumerGroup: group, messageQueue, offsetNew: corrected, offsetRequest: asked })
    const properties = encodeProperties(
      inJavaOrder(
        new Map([
          [PropertyName.TAGS, group],
          [PropertyName.DELAY, '0'],
          [PropertyName.KEYS, group],
        ]),
      ),
    )
    const batch = this.#batch
    batch.clear()
    batch.body = Buffer.from(body)
    const propertiesStart = this.#host.bytes.copy(batch.aux, 0)
    const propertiesBytes = batch.aux.write(properties, propertiesStart)
    const handle = this.#store.topic(SystemTopic.OFFSET_MOVED_EVENT)
    const { bytes, port } = this.#host
    const bornMs = this.#clock.nowMs()
    const bodyBytes = batch.body.length
    batch.add(handle, 0, 0, 0, 0, bornMs, 0, 0, bytes.length, port, 0, bodyBytes, propertiesStart, propertiesBytes, 1)
    this.#store.append(batch)
  }
}
