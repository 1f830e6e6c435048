// Starts a TypeScript program in a worker, which does not take over the main thread's loader.
import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
await import(workerData.program)
