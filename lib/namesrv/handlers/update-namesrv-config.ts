import { writeAtomically } from '../../base/atomic-file.ts'
import { parseProperties } from '../../base/properties-file.ts'
import { handler, ResponseError } from '../../net/handler.ts'
import { updateNamesrvConfig } from '../../protocol/commands/update-namesrv-config.ts'
import { ConfigChangeError, type NamesrvConfig } from '../namesrv-config.ts'

const change = (config: NamesrvConfig, properties: ReadonlyMap<string, string>): void => {
  try {
    config.update(properties)
  } catch (error) {
    if (error instanceof ConfigChangeError) throw new ResponseError('SYSTEM_ERROR', error.message, { cause: error })
    throw error
  }
}

/** Changes the configuration and writes it to its file. Paths and other black-listed keys get NO_PERMISSION. */
export const updateNamesrvConfigHandler = (config: NamesrvConfig) =>
  handler(updateNamesrvConfig, async (_header, { request }) => {
    if (request.body.length === 0) return {}
    const properties = parseProperties(request.body.toString('utf8'))
    if (config.isBlackListed(properties.keys())) {
      throw new ResponseError('NO_PERMISSION', 'Can not update config in black list.')
    }
    change(config, properties)
    await writeAtomically(config.current.configStorePath, config.fileText)
    return {}
  })
