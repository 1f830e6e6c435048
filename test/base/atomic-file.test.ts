import { deepEqual, equal, rejects } from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readWithBackup, writeAtomically } from '../../lib/base/atomic-file.ts'

const folder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'apogee-file-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

test('a file is replaced whole, the text before stays as .bak, nothing else is left', async () => {
  await using dir = await folder()
  const path = join(dir.path, 'made', 'on the way', 'file.json')
  await writeAtomically(path, 'one')
  await writeAtomically(path, 'two')
  await writeAtomically(path, 'three')
  deepEqual([await readFile(path, 'utf8'), await readFile(`${path}.bak`, 'utf8')], ['three', 'two'])
  deepEqual((await readdir(join(path, '..'))).sort(), ['file.json', 'file.json.bak'])
})

test('writes of one file at once take effect in call order', async () => {
  await using dir = await folder()
  const path = join(dir.path, 'file')
  await Promise.all(Array.from({ length: 20 }, (_, index) => writeAtomically(path, String(index))))
  deepEqual([await readFile(path, 'utf8'), await readFile(`${path}.bak`, 'utf8')], ['19', '18'])
})

test('a write that fails leaves the old text, no temporary file, and the next write works', async () => {
  await using dir = await folder()
  const path = join(dir.path, 'file')
  await mkdir(path)
  await rejects(writeAtomically(path, 'text'))
  deepEqual(await readdir(dir.path), ['file'])
  await rm(path, { recursive: true })
  await writeAtomically(path, 'text')
  equal(await readFile(path, 'utf8'), 'text')
})

test('reading takes the previous generation when the file is missing, empty or damaged', async () => {
  await using dir = await folder()
  const path = join(dir.path, 'file')
  equal(await readWithBackup(path, JSON.parse), undefined)
  await writeFile(`${path}.bak`, '"old"')
  for (const text of [undefined, '', ' \n', '{"half":']) {
    if (text !== undefined) await writeFile(path, text)
    equal(await readWithBackup(path, JSON.parse), 'old')
  }
  await writeFile(path, '"new"')
  equal(await readWithBackup(path, JSON.parse), 'new')
  await writeFile(path, 'damaged')
  await writeFile(`${path}.bak`, 'too')
  await rejects(readWithBackup(path, JSON.parse), { code: 'FILE_UNREADABLE' })
})
