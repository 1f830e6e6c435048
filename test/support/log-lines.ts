import type { Logger } from '../../lib/base/logging.ts'

/** Lines a logger was given, by level. */
export class LogLines implements Logger {
  readonly infos: string[] = []
  readonly warnings: string[] = []
  readonly errors: string[] = []
  debug(): void {}
  info(_fields: object, message: string): void {
    this.infos.push(message)
  }
  warn(_fields: object, message: string): void {
    this.warnings.push(message)
  }
  error(_fields: object, message: string): void {
    this.errors.push(message)
  }
  child(): Logger {
    return this
  }
}
