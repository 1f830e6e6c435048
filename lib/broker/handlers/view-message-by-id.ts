import { handler, ResponseError, reply } from '../../net/handler.ts'
import { viewMessageById } from '../../protocol/commands/view-message-by-id.ts'
import type { MessageStore } from '../../store/message-store.ts'

/** The one record at a physical offset. */
export const viewMessageByIdHandler = (store: Pick<MessageStore, 'readRecord'>) =>
  handler(viewMessageById, ({ offset }) => {
    const body = Number.isSafeInteger(offset) && offset >= 0 ? store.readRecord(offset) : undefined
    if (body === undefined) {
      throw new ResponseError('SYSTEM_ERROR', `can not find message by the offset, ${offset}`)
    }
    return reply({}, { body })
  })
