import { command, optional, string } from '../command.ts'

/** 323: puts a half message that was given up back under check. */
export const resumeCheckHalfMessage = command({
  code: 323,
  name: 'RESUME_CHECK_HALF_MESSAGE',
  request: { msgId: optional(string), topic: optional(string) },
})
