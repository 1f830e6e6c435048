import { ApogeeError } from '../../base/errors.ts'

/** The address server that Java asks when none is named. */
const DEFAULT_DOMAIN = 'jmenv.tbsite.net'
const DEFAULT_SUB_GROUP = 'nsaddr'
const DEFAULT_PORT = 8080
const DOMAIN = /^[A-Za-z0-9._[\]:-]+$/
const SUB_GROUP = /^[A-Za-z0-9._-]+$/

/**
 * host:port of name servers, split by `;`; none of them twice.
 * @param source where the text is from, for the error
 * @throws {ApogeeError} `CONFIG_INVALID`
 */
export const nameServerAddresses = (source: string, text: string): string[] => {
  const addresses = text
    .split(';')
    .map((address) => address.trim())
    .filter((address) => address !== '')
  for (const address of addresses) {
    const port = Number(address.slice(address.lastIndexOf(':') + 1))
    if (!/^[^\s]+:\d{1,5}$/.test(address) || port > 65_535) {
      throw new ApogeeError('CONFIG_INVALID', `${source}: ${address} is no host:port; several are split by ;`)
    }
  }
  return [...new Set(addresses)]
}

/**
 * Where name servers are asked for over HTTP, as Java forms it: a domain without a port gets 8080.
 * @throws {ApogeeError} `CONFIG_INVALID`
 */
export const addressServerUrl = (domain: string | undefined, subGroup: string | undefined): string => {
  const host = domain ?? DEFAULT_DOMAIN
  const name = subGroup ?? DEFAULT_SUB_GROUP
  const text = `http://${host.indexOf(':') > 0 ? host : `${host}:${DEFAULT_PORT}`}/rocketmq/${name}`
  if (!DOMAIN.test(host) || !SUB_GROUP.test(name) || !URL.canParse(text)) {
    throw new ApogeeError('CONFIG_INVALID', `rmqAddressServerDomain and rmqAddressServerSubGroup make no URL: ${text}`)
  }
  return text
}
