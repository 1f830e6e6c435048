import { readFile } from 'node:fs/promises'
import { errorText } from '../base/errors.ts'
import { parseProperties } from '../base/properties-file.ts'
import { exitWith } from './run-server.ts'

/** Properties of a configuration file; none without a path. Ends the process when the file cannot be read. */
export const readConfigFile = async (path: string | undefined): Promise<Map<string, string>> => {
  if (path === undefined) return new Map()
  try {
    return parseProperties(await readFile(path, 'utf8'))
  } catch (error) {
    return exitWith(`apogeemq: cannot read the configuration file ${path}: ${errorText(error)}`)
  }
}

/** Says once, on stderr, what of a configuration file has no effect. */
export const reportConfig = (parsed: {
  readonly unknown: readonly string[]
  readonly invalid: readonly { readonly key: string; readonly value: string }[]
}): void => {
  if (parsed.unknown.length > 0) {
    process.stderr.write(`apogeemq: unknown configuration keys, kept without effect: ${parsed.unknown.join(', ')}\n`)
  }
  for (const { key, value } of parsed.invalid) {
    process.stderr.write(`apogeemq: ${key} cannot be ${value}; its default is used\n`)
  }
}
