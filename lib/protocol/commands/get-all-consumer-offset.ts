import { command } from '../command.ts'

/** 43: all consumer offsets of a broker: the content of consumerOffset.json in the body of the answer. */
export const getAllConsumerOffset = command({
  code: 43,
  name: 'GET_ALL_CONSUMER_OFFSET',
})
