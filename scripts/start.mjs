// npm start: builds what is missing, then becomes `apogeemq start` with the arguments given after `--`.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureBuilt, root } from './setup.mjs'

ensureBuilt()
const entry = join(root, 'dist', 'cli', 'apogeemq.js')
process.argv = [process.execPath, entry, 'start', ...process.argv.slice(2)]
await import(pathToFileURL(entry).href)
