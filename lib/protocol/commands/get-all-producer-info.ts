import { command } from '../command.ts'

/** 328: all connected producers: a ProducerTableInfo in the body of the answer. */
export const getAllProducerInfo = command({
  code: 328,
  name: 'GET_ALL_PRODUCER_INFO',
})
