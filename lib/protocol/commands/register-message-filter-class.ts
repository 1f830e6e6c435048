import { command, int32, resourceName, string } from '../command.ts'

/**
 * 302: a consumer gives a filter server the source of its filter; the body is the source, `classCRC` its CRC-32 with
 * the top bit cleared.
 */
export const registerMessageFilterClass = command({
  code: 302,
  name: 'REGISTER_MESSAGE_FILTER_CLASS',
  request: { consumerGroup: resourceName, topic: resourceName, className: string, classCRC: int32 },
  response: {},
})
