import type { CollectedMessage, OutgoingMessage, ReceivedMessage } from '../../../support/java-client.ts'

/** The delay levels of all suites, in ms; each broker is configured with DELAY_LEVELS. */
export const LEVELS_MS = [1000, 3000, 1000, 2000, 3000, 8000]
/** Java's form takes whole seconds at least. Refused messages start at level 3: 1 s, 2 s, 3 s. */
export const DELAY_LEVELS = LEVELS_MS.map((ms) => `${ms / 1000}s`).join(' ')

/** A short message with a key and properties of the application. */
export const plain = (
  keys: string,
  properties: Readonly<Record<string, string>> = {},
  more: { readonly tags?: string; readonly delayLevel?: number } = {},
): OutgoingMessage => ({ keys, body: Buffer.from(`body of ${keys}`), properties, ...more })

/** Messages with one key, as collected. */
export const withKey = <M extends ReceivedMessage>(messages: readonly M[], keys: string): readonly M[] =>
  messages.filter((message) => message.keys === keys)

export const keysOf = (messages: readonly ReceivedMessage[]): readonly string[] =>
  messages.map((message) => String(message.keys))

export const sorted = (texts: readonly string[]): readonly string[] => [...texts].sort()

/** What was received of each queue, in order of arrival. */
export const byQueue = (messages: readonly CollectedMessage[]): ReadonlyMap<number, readonly CollectedMessage[]> => {
  const queues = new Map<number, CollectedMessage[]>()
  const inOrder = [...messages].sort((a, b) => a.beginStep - b.beginStep)
  for (const message of inOrder) queues.set(message.queueId, [...(queues.get(message.queueId) ?? []), message])
  return queues
}
