import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that goes with its block: home of what a test runs, and where it keeps its files. */
export class Home implements Disposable {
  readonly path: string

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'apogee-cli-'))
  }

  at(...names: string[]): string {
    return join(this.path, ...names)
  }

  /** Writes a properties file and returns its path. */
  properties(name: string, values: Readonly<Record<string, string | number>>): string {
    const file = this.at(name)
    const lines = Object.entries(values).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(file, lines.join(''))
    return file
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
