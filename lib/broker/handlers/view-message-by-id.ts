import { handler, ResponseError, reply } from '../../net/handler.ts'
import { viewMessageById } from '../../protocol/commands/view-message-by-id.ts'
import type { MessageStore } from '../../store/message-store.ts'

/** The one record at a physical offset. */
export const viewMessageByIdHandler = (store: Pick<MessageStore, 'readRecord' | 'readRecordAhead'>) =>
  handler(viewMessageById, async ({ offset }) => {
    const isOffset = Number.isSafeInteger(offset) && offset >= 0
    if (isOffset) await store.readRecordAhead(offset)
    const body = isOffset ? store.readRecord(offset) : undefined
    if (body === undefined) {
      throw new ResponseError('SYSTEM_ERROR', `can not find message by the offset, ${offset}`)
    }
    return reply({}, { body })
  })
