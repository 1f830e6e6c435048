import type { Clock } from '../../base/clock.ts'
import type { Parts } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logging.ts'
import { ClientTls } from './client-tls.ts'
import { ServerTls } from './server-tls.ts'
import type { TlsValues } from './tls-keys.ts'
import { readTlsSettings, tlsModeOf } from './tls-settings.ts'

/**
 * TLS of a server process on the ports it listens on, as its configuration says. It stops with `parts`.
 * @throws {NetError} `NET_TLS_CONFIG_INVALID`, `NET_TLS_FILE_INVALID`
 */
export const startServerTls = (
  values: TlsValues,
  { clock, logger, parts }: { clock: Clock; logger: Logger; parts: Parts },
): Promise<ServerTls> =>
  parts.start('tls', () =>
    ServerTls.start({ mode: tlsModeOf(values), settings: () => readTlsSettings(values), clock, logger }),
  )

/**
 * TLS of a server process's own connections. What is configured is checked at once.
 * @throws {NetError} `NET_TLS_CONFIG_INVALID`, `NET_TLS_FILE_INVALID`
 */
export const openClientTls = async (values: TlsValues): Promise<ClientTls> => {
  const tls = new ClientTls(async () => (await readTlsSettings(values)).client)
  await tls.options()
  return tls
}
