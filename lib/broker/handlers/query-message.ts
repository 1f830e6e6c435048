import { handler, ResponseError, reply } from '../../net/handler.ts'
import { queryMessage } from '../../protocol/commands/query-message.ts'
import { decodeRecord } from '../../protocol/message-codec.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import type { MessageStore } from '../../store/message-store.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { storeTime } from '../queue-reader.ts'

/** An answer must fit into one frame with room for its header. */
const MAX_ANSWER_BYTES = 12 * 1024 * 1024

/** Whether the record is of the topic and has the key: the index knows only hashes. */
const matches = (record: Buffer, topic: string, key: string): boolean => {
  const { topic: itsTopic, properties } = decodeRecord(record)
  if (itsTopic !== topic) return false
  return (
    properties.get(PropertyName.UNIQ_KEY) === key || (properties.get(PropertyName.KEYS) ?? '').split(' ').includes(key)
  )
}

type QueryStore = Pick<MessageStore, 'queryByKey' | 'readRecord' | 'queryAhead'>

/** The newest messages with a key, or with a client's message id (`_UNIQUE_KEY_QUERY`), in the order of the log. */
export const queryMessageHandler = (store: QueryStore, config: BrokerConfig) =>
  handler(
    queryMessage,
    async ({ topic, key, maxNum, beginTimestamp, endTimestamp, _UNIQUE_KEY_QUERY: isUniqueKey }) => {
      const { maxCount, uniqueKeyMaxCount } = config.current.query
      const wanted = Math.max(0, Math.min(isUniqueKey ? uniqueKeyMaxCount : maxNum, maxCount))
      const query = [topic, key, wanted, storeTime(beginTimestamp), storeTime(endTimestamp)] as const
      await store.queryAhead(...query)
      const found = store.queryByKey(...query)
      const records: Buffer[] = []
      let sizeBytes = 0
      for (const physicalOffset of found.physicalOffsets.sort((a, b) => a - b)) {
        const record = store.readRecord(physicalOffset)
        if (record === undefined || !matches(record, topic, key)) continue
        if (sizeBytes > 0 && sizeBytes + record.length > MAX_ANSWER_BYTES) break
        records.push(record)
        sizeBytes += record.length
      }
      if (records.length === 0) {
        throw new ResponseError('QUERY_NOT_FOUND', 'can not find message, maybe time range not correct')
      }
      const header = {
        indexLastUpdateTimestamp: found.indexLastUpdateTimestampMs,
        indexLastUpdatePhyoffset: found.indexLastUpdatePhysicalOffset,
      }
      return reply(header, { body: Buffer.concat(records, sizeBytes) })
    },
  )
