import { errorText } from '../base/errors.ts'
import type { RemotingClient } from '../net/client.ts'
import { decodeTopicRoute, type TopicRouteData } from '../protocol/bodies/index.ts'
import { getRouteInfoByTopic } from '../protocol/commands/get-route-info-by-topic.ts'
import { ResponseCode } from '../protocol/response-codes.ts'
import { ClientError } from './client-error.ts'

/** The name servers as one: keeps to the one that answered last, and asks the next when it fails. */
export class NameServers {
  readonly #addresses: readonly string[]
  readonly #remoting: RemotingClient
  #current = 0

  constructor(addresses: readonly string[], remoting: RemotingClient) {
    this.#addresses = addresses
    this.#remoting = remoting
  }

  /**
   * Where a topic is; undefined when the name server does not know it.
   * @param timeoutMs for each name server
   * @throws {ClientError} `CLIENT_NO_NAME_SERVER`, with the last failure as its cause
   */
  async route(topic: string, timeoutMs: number): Promise<TopicRouteData | undefined> {
    let failure: unknown
    for (let tried = 0; tried < this.#addresses.length; tried++) {
      const at = this.#current
      try {
        return await this.#ask(this.#addresses[at]!, topic, timeoutMs)
      } catch (error) {
        failure = error
        // Others may have moved on already.
        if (this.#current === at) this.#current = (at + 1) % this.#addresses.length
      }
    }
    const names = this.#addresses.join(', ')
    throw new ClientError('CLIENT_NO_NAME_SERVER', `no name server of ${names} answers: ${errorText(failure)}`, {
      cause: failure,
    })
  }

  async #ask(address: string, topic: string, timeoutMs: number): Promise<TopicRouteData | undefined> {
    const header = { topic, acceptStandardJsonOnly: true }
    const { code, body } = await this.#remoting.invoke(address, getRouteInfoByTopic, header, {
      timeoutMs,
      accept: ['TOPIC_NOT_EXIST'],
    })
    return code === ResponseCode.TOPIC_NOT_EXIST ? undefined : decodeTopicRoute(body)
  }
}
