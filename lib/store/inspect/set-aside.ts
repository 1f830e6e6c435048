import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import type { StoreLayout } from './layout.ts'

/** Makes what was created, renamed or removed in a directory durable. */
export const syncDirectory = (dir: string): void => {
  const descriptor = openSync(dir, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * A folder `aside-N` beside a store's files for what a tool takes out of the way. Moves are renames, durable when they
 * return; {@link restore} takes them back.
 */
export class SetAside {
  /** Created with the first move. */
  readonly dir: string
  readonly #layout: StoreLayout
  readonly #logAside: string
  readonly #moves: { readonly from: string; readonly to: string }[] = []

  constructor(layout: StoreLayout) {
    const number = firstFree(layout)
    this.#layout = layout
    this.dir = join(layout.root, `aside-${number}`)
    // A rename cannot leave the file system that a log elsewhere may stand on.
    this.#logAside = `${layout.commitLogDir}-aside-${number}`
  }

  get isEmpty(): boolean {
    return this.#moves.length === 0
  }

  /** Moves a file or directory; nothing when it is not there. */
  move(path: string): void {
    if (!existsSync(path)) return
    const to = this.placeOf(path)
    mkdirSync(dirname(to), { recursive: true })
    renameSync(path, to)
    this.#moves.push({ from: path, to })
    syncDirectory(dirname(to))
    syncDirectory(dirname(path))
    syncDirectory(this.#layout.root)
  }

  /** Where a path goes. */
  placeOf(path: string): string {
    const inRoot = relative(this.#layout.root, path)
    return inRoot.startsWith('..') ? join(this.#logAside, basename(path)) : join(this.dir, inRoot)
  }

  /** Puts everything back, over what has come to stand there since. */
  restore(): void {
    for (const { from, to } of this.#moves.splice(0).reverse()) {
      rmSync(from, { recursive: true, force: true })
      mkdirSync(dirname(from), { recursive: true })
      renameSync(to, from)
      syncDirectory(dirname(from))
    }
    this.remove()
  }

  /** Deletes what was moved. */
  remove(): void {
    for (const dir of [this.dir, this.#logAside]) rmSync(dir, { recursive: true, force: true })
    syncDirectory(this.#layout.root)
    this.#moves.length = 0
  }
}

const firstFree = ({ root, commitLogDir }: StoreLayout): number => {
  let number = 1
  while (existsSync(join(root, `aside-${number}`)) || existsSync(`${commitLogDir}-aside-${number}`)) number += 1
  return number
}
