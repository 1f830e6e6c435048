import { readWithBackup, writeAtomically } from '../base/atomic-file.ts'
import { ApogeeError } from '../base/errors.ts'
import { parseJavaJson, stringifyJava } from '../base/java-json.ts'
import { JsonReader, textOf } from '../protocol/bodies/json-reader.ts'

/** Keys of all namespaces together. */
const MAX_KEYS = 100_000

/** A change of the KV configuration that could not be kept. */
export class KvConfigError extends ApogeeError {}

const parseTable = (text: string): Map<string, Map<string, string>> =>
  new JsonReader(parseJavaJson(text), 'kvConfig.json').table(
    'configTable',
    (namespace, what) => new Map(new JsonReader({ namespace }, what).table('namespace', textOf)),
  )

/** Texts by namespace and key, kept in Java's kvConfig.json. */
export class KvConfig {
  readonly #path: string
  readonly #table: Map<string, Map<string, string>>
  readonly #maxKeys: number

  private constructor(path: string, table: Map<string, Map<string, string>>, maxKeys: number) {
    this.#path = path
    this.#table = table
    this.#maxKeys = maxKeys
  }

  /**
   * Reads the file at `path`, or its previous generation; empty when there is neither.
   * @throws {FileError} `FILE_UNREADABLE`; the file is left as it is.
   */
  static async load(path: string, maxKeys = MAX_KEYS): Promise<KvConfig> {
    const table = await readWithBackup(path, parseTable)
    return new KvConfig(path, table ?? new Map(), maxKeys)
  }

  get(namespace: string, key: string): string | undefined {
    return this.#table.get(namespace)?.get(key)
  }

  /** All keys of a namespace; undefined when nothing was ever put there. */
  namespace(namespace: string): ReadonlyMap<string, string> | undefined {
    return this.#table.get(namespace)
  }

  /**
   * Sets one key. Resolved = the file is on the device.
   * @throws {KvConfigError} `KV_CONFIG_FULL`; `KV_CONFIG_NOT_WRITTEN` when the value holds only until the next start
   */
  put(namespace: string, key: string, value: string): Promise<void> {
    const existing = this.#table.get(namespace)
    if (!existing?.has(key) && this.#size() >= this.#maxKeys) {
      throw new KvConfigError('KV_CONFIG_FULL', `the KV configuration has ${this.#maxKeys} keys, its limit`)
    }
    if (existing === undefined) this.#table.set(namespace, new Map([[key, value]]))
    else existing.set(key, value)
    return this.#persist()
  }

  /** Deletes one key, if it is there. Resolved and thrown as by `put`. */
  delete(namespace: string, key: string): Promise<void> {
    this.#table.get(namespace)?.delete(key)
    return this.#persist()
  }

  #size(): number {
    let keys = 0
    for (const namespace of this.#table.values()) keys += 1 + namespace.size
    return keys
  }

  async #persist(): Promise<void> {
    try {
      await writeAtomically(this.#path, stringifyJava({ configTable: this.#table }))
    } catch (cause) {
      const message = `${this.#path} cannot be written: the change holds until the name server stops`
      throw new KvConfigError('KV_CONFIG_NOT_WRITTEN', message, { cause, retryable: true })
    }
  }
}
