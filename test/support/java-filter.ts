import { spawn } from 'node:child_process'
import { classPath, type ServerVersion } from './java-projects.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/**
 * What Java's own filter classes say: for each expression one letter a message, T, F, N (null) or E (evaluation
 * throws), or `-` when it does not compile.
 */
export const evaluateInJava = async (
  version: ServerVersion,
  expressions: readonly string[],
  messages: readonly Readonly<Record<string, string>>[],
): Promise<string[]> => {
  const args = ['-Xss512k', '-XX:+UseSerialGC', '-cp', await classPath('filter', version), 'apogee.interop.SqlTable']
  const child = spawn('java', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  const properties = messages.map((message) =>
    Object.entries(message).map(([name, value]) => base64(`${name}=${value}`)),
  )
  child.stdin.end(
    [String(messages.length), ...properties.map((entries) => entries.join(' ')), ...expressions.map(base64), ''].join(
      '\n',
    ),
  )
  child.stdout.setEncoding('utf8')
  let output = ''
  for await (const chunk of child.stdout) output += chunk
  const code = await ended
  if (code !== 0) throw new Error(`the Java filter driver ended with ${code}`)
  const lines = output.split('\n').slice(0, -1)
  if (lines.length !== expressions.length)
    throw new Error(`${lines.length} results for ${expressions.length} expressions`)
  return lines
}
