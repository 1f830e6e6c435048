/** One load of the matrix: what is done, over how many connections, with how many requests outstanding on each. */
export interface Cell {
  readonly mode: 'send' | 'pull'
  readonly connections: number
  /** Outstanding requests of each connection. */
  readonly inFlight: number
  readonly bodyBytes: number
  readonly sendStyle: 'coalesced' | 'single'
}

const KILOBYTE = 1024

const send = (connections: number, inFlight: number, bodyBytes = KILOBYTE): Cell => ({
  mode: 'send',
  connections,
  inFlight,
  bodyBytes,
  sendStyle: 'coalesced',
})

const pull = (inFlight: number): Cell => ({
  mode: 'pull',
  connections: 1,
  inFlight,
  bodyBytes: KILOBYTE,
  sendStyle: 'coalesced',
})

/** The loads that are measured unless --cells names others. */
export const defaultCells: readonly Cell[] = [
  send(1, 1),
  send(1, 16),
  send(1, 64),
  send(1, 256),
  send(16, 1),
  send(64, 4),
  send(256, 1),
  send(1, 256, 128),
  pull(1),
  pull(4),
  pull(16),
]

/** The two loads that have a target of their own; --quick measures these. */
export const quickCells: readonly Cell[] = [send(1, 256), send(16, 1)]

/** The name that --cells takes: `1x256`, `1x256@128` (body bytes), `1x256/single` (one send() a message), `pull-4`. */
export const cellName = (cell: Cell): string => {
  if (cell.mode === 'pull') return `pull-${cell.inFlight}`
  const body = cell.bodyBytes === KILOBYTE ? '' : `@${cell.bodyBytes}`
  return `${cell.connections}x${cell.inFlight}${body}${cell.sendStyle === 'single' ? '/single' : ''}`
}

/**
 * Reads a comma-separated list of cell names.
 * @throws RangeError naming the first one that is none.
 */
export const parseCells = (text: string): Cell[] => text.split(',').map((name) => parseCell(name.trim()))

const parseCell = (name: string): Cell => {
  const pulled = /^pull-(\d+)$/.exec(name)
  if (pulled !== null) return pull(Number(pulled[1]))
  const sent = /^(\d+)x(\d+)(?:@(\d+))?(\/single)?$/.exec(name)
  if (sent === null)
    throw new RangeError(`no such cell: ${name} (examples: 1x256, 16x1, 1x256@128, 1x256/single, pull-4)`)
  const cell = send(Number(sent[1]), Number(sent[2]), sent[3] === undefined ? KILOBYTE : Number(sent[3]))
  return sent[4] === undefined ? cell : { ...cell, sendStyle: 'single' }
}
