import type { Logger } from '../../base/logging.ts'
import { handler } from '../../net/handler.ts'
import { deleteExpiredCommitlog } from '../../protocol/commands/delete-expired-commitlog.ts'
import type { MessageStore } from '../../store/message-store.ts'

/** Starts deleting what is over its time, whatever the hour. Answers before it is done, as Java does. */
export const deleteExpiredCommitlogHandler = (store: Pick<MessageStore, 'deleteExpiredNow'>, logger: Logger) =>
  handler(deleteExpiredCommitlog, () => {
    store.deleteExpiredNow().then(
      (deletedSegments) => logger.info({ deletedSegments }, 'deleted expired segments as asked'),
      (error: unknown) => logger.warn({ error }, 'could not delete expired segments'),
    )
    return {}
  })
