// File lengths (500 lines, tests 700) in every language of ours, and function lengths (80 lines) in C++; Biome checks
// the functions of TypeScript.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from './setup.mjs'

const MAX_FILE_LINES = 500
const MAX_TEST_FILE_LINES = 700
const MAX_FUNCTION_LINES = 80

const filesOf = (folder) =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|cc|h|java)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .filter((file) => !/\/(target|build|\.build|node_modules)\//.test(file))

/** Code without comments, strings and preprocessor lines, so that braces can be counted. */
const bare = (text) =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/\/\/.*$/gm, '')
    .replace(/"(?:\\.|[^"\\\n])*"/g, '""')
    .replace(/'(?:\\.|[^'\\\n])'/g, "''")
    .replace(/^\s*#.*$/gm, '')

/** Bodies that open behind a parameter list: [first line, last line]. */
const functionBodies = (text) => {
  const bodies = []
  const open = []
  let line = 1
  let sinceStatement = ''
  for (const character of bare(text)) {
    if (character === '\n') line += 1
    if (character === '{') {
      const opener = sinceStatement.trim()
      const isFunction =
        /\)\s*(const|noexcept|override|final|->[^;{}]*|\s)*(:[^;{}]*)?$/.test(opener) &&
        !/^(if|for|while|switch|else|do|catch)\b/.test(opener)
      open.push({ line, isFunction })
      sinceStatement = ''
    } else if (character === '}') {
      const body = open.pop()
      if (body?.isFunction) bodies.push([body.line, line])
      sinceStatement = ''
    } else if (character === ';') {
      sinceStatement = ''
    } else {
      sinceStatement += character
    }
  }
  return bodies
}

const problems = []
for (const file of ['lib', 'native', 'scripts', 'test', 'bench'].flatMap(filesOf)) {
  const text = readFileSync(join(root, file), 'utf8')
  const lines = text.split('\n').length - 1
  const isTest = /(^|\/)test\//.test(file)
  const limit = isTest ? MAX_TEST_FILE_LINES : MAX_FILE_LINES
  if (lines > limit) problems.push(`${file}: ${lines} lines, the limit is ${limit}`)
  if (isTest || !/\.(cc|h)$/.test(file)) continue
  for (const [first, last] of functionBodies(text)) {
    const length = last - first + 1
    if (length > MAX_FUNCTION_LINES) {
      problems.push(`${file}:${first}: function of ${length} lines, the limit is ${MAX_FUNCTION_LINES}`)
    }
  }
}
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)
