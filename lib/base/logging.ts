import { type DestinationStream, pino } from 'pino'

/** Facts of a log line, by name. An `Error` goes under `error` and is written with its stack. */
export type LogFields = Readonly<Record<string, unknown>>

/** Where parts of the program write what an operator may want to know. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A logger whose every line carries `fields` as well. */
  child(fields: LogFields): Logger
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** How `createLogger` writes. */
export interface LoggerOptions {
  /** Lowest level written. Default `info`. */
  readonly level?: LogLevel
  /** File to append to, or 1 / 2 for standard output / error (default 2), or any stream. Parent directories are made. */
  readonly destination?: string | 1 | 2 | DestinationStream
}

/** Writes nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
}

/** Newline-delimited JSON, one line per call, written before the call returns so that a crash loses none. */
export const createLogger = ({ level = 'info', destination = 2 }: LoggerOptions = {}): Logger => {
  const stream =
    typeof destination === 'object' ? destination : pino.destination({ dest: destination, mkdir: true, sync: true })
  return pino({ level, base: null, errorKey: 'error', serializers: { error: pino.stdSerializers.err } }, stream)
}
