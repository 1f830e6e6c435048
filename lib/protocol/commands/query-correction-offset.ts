import { command, optional, resourceName, string } from '../command.ts'

/** 308: smallest offsets of other groups in a topic. */
export const queryCorrectionOffset = command({
  code: 308,
  name: 'QUERY_CORRECTION_OFFSET',
  request: { filterGroups: optional(string), compareGroup: resourceName, topic: resourceName },
})
