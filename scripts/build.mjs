import { ensureBuilt } from './setup.mjs'

ensureBuilt()
console.error('apogeemq: built')
