/** `String.hashCode` of Java: over UTF-16 units, 32-bit signed. Tag codes and index keys are made of it. */
export const javaStringHash = (text: string): number => {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/** `String.hashCode` of ASCII text in [start, end); undefined when a byte is not ASCII. */
export const javaStringHashOfAscii = (buffer: Uint8Array, start: number, end: number): number | undefined => {
  let hash = 0
  for (let at = start; at < end; at++) {
    const byte = buffer[at]!
    if (byte >= 0x80) return undefined
    hash = (Math.imul(hash, 31) + byte) | 0
  }
  return hash
}

/** How `java.util.HashMap` mixes a hash before it takes the low bits. */
export const javaHashSpread = (hash: number): number => hash ^ (hash >>> 16)
