import { spawn } from 'node:child_process'
import { classPath, type ServerVersion } from './java-projects.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Runs one of the programs in test/interop/java/filter: lines in, a line out for each of `count`. */
const run = async (version: ServerVersion, program: string, input: readonly string[], count: number) => {
  const args = ['-Xss512k', '-XX:+UseSerialGC', '-cp', await classPath('filter', version), `apogee.interop.${program}`]
  const child = spawn('java', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  child.stdin.end([...input, ''].join('\n'))
  child.stdout.setEncoding('utf8')
  let output = ''
  for await (const chunk of child.stdout) output += chunk
  const code = await ended
  if (code !== 0) throw new Error(`${program} ended with ${code}`)
  const lines = output.split('\n').slice(0, -1)
  if (lines.length !== count) throw new Error(`${program} gave ${lines.length} lines for ${count}`)
  return lines
}

/**
 * What Java's own filter classes say: for each expression one letter a message, T, F, N (null) or E (evaluation
 * throws), or `-` when it does not compile.
 */
export const evaluateInJava = (
  version: ServerVersion,
  expressions: readonly string[],
  messages: readonly Readonly<Record<string, string>>[],
): Promise<string[]> => {
  const properties = messages.map((message) =>
    Object.entries(message)
      .map(([name, value]) => base64(`${name}=${value}`))
      .join(' '),
  )
  const input = [String(messages.length), ...properties, ...expressions.map(base64)]
  return run(version, 'SqlTable', input, expressions.length)
}

/** Bits of Java's bloom filter for each triple, and the positions of the name in it. */
export const bloomPositionsInJava = async (
  version: ServerVersion,
  cases: readonly (readonly [errorPercent: number, expected: number, name: string])[],
): Promise<{ bitNum: number; bitPos: number[] }[]> => {
  const input = cases.map(([errorPercent, expected, name]) => `${errorPercent} ${expected} ${base64(name)}`)
  return (await run(version, 'BloomTable', input, cases.length)).map((line) => {
    const [bitNum, ...bitPos] = line.split(' ').map(Number)
    return { bitNum: bitNum!, bitPos }
  })
}
