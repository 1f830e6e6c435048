import { command, int64, optional, string } from '../command.ts'

/** 33: one stored record by physical offset, in the body of the answer. */
export const viewMessageById = command({
  code: 33,
  name: 'VIEW_MESSAGE_BY_ID',
  request: { offset: int64, topic: optional(string) },
})
