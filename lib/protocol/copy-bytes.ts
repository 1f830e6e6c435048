/** From here on a native copy beats a loop. */
const LONG_COPY_BYTES = 64

/** Copies [start, end) of the source to `at`; returns where it ends there. The room is the caller's business. */
export const copyBytes = (source: Buffer, start: number, end: number, into: Buffer, at: number): number => {
  if (end - start > LONG_COPY_BYTES) return at + source.copy(into, at, start, end)
  let to = at
  for (let from = start; from < end; from++) into[to++] = source[from]!
  return to
}
