import { command } from '../command.ts'

/** 45: all delay offsets of a broker: the content of delayOffset.json in the body of the answer. */
export const getAllDelayOffset = command({
  code: 45,
  name: 'GET_ALL_DELAY_OFFSET',
})
