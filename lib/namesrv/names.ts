/** Longest name of a topic, broker or cluster that is kept. `%RETRY%` topics carry groups of up to 255 characters. */
const MAX_NAME_LENGTH = 300
const MAX_ADDRESS_LENGTH = 300
/** No control characters, blanks or path separators, in any script. */
const NAME = /^[^\s\p{Cc}/\\]+$/u
const ADDRESS = /^[^\s\p{Cc}/\\]+:\d{1,5}$/u

/**
 * Whether a name that a broker sends may be kept. Wider than the alphabet of topics, because Java brokers register
 * topics named after themselves, and a broker is named after its host by default. Names here are data: none of them
 * ever becomes part of a path.
 */
export const isAcceptableName = (name: string): boolean =>
  name.length <= MAX_NAME_LENGTH && name !== '.' && name !== '..' && NAME.test(name)

/** Whether a text can be the address of a broker: `host:port`. */
export const isAcceptableAddress = (address: string): boolean =>
  address.length <= MAX_ADDRESS_LENGTH && ADDRESS.test(address)
