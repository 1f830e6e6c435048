import { equal, match, throws } from 'node:assert/strict'
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { loadAddon, type StoreAddon } from '../../lib/store/native-addon.ts'
import { temporaryDirectory } from './support/store-fixture.ts'

const packageRoot = fileURLToPath(new URL('../..', import.meta.url))

test('without a built addon the error names the command that builds it', async (t) => {
  const copy = await temporaryDirectory(t)
  for (const folder of ['base', 'store']) {
    await cp(join(packageRoot, 'lib', folder), join(copy, 'lib', folder), { recursive: true })
  }
  await writeFile(join(copy, 'package.json'), '{ "type": "module" }')
  const { loadAddon: loadCopy } = await import(pathToFileURL(join(copy, 'lib/store/native-addon.ts')).href)
  throws(loadCopy, (error: Error & { code: string }) => {
    equal(error.code, 'STORE_ADDON_MISSING')
    match(error.message, /npm run build/)
    return true
  })
  // A file that is no addon is as good as none.
  await mkdir(join(copy, 'build/Release'), { recursive: true })
  await writeFile(join(copy, 'build/Release/apogee_store.node'), 'not an addon')
  throws(loadCopy, { code: 'STORE_ADDON_MISSING' })
})

test('an addon of other sources is told apart', async (t) => {
  const copy = await temporaryDirectory(t)
  for (const folder of ['base', 'store']) {
    await cp(join(packageRoot, 'lib', folder), join(copy, 'lib', folder), { recursive: true })
  }
  await writeFile(join(copy, 'package.json'), '{ "type": "module" }')
  await writeFile(
    join(copy, 'lib/store/status.ts'),
    'export const AppendStatus = { OK: 0 }\nexport const PullStatus = {}\n',
  )
  await mkdir(join(copy, 'build'))
  await symlink(join(packageRoot, 'build/Release'), join(copy, 'build/Release'))
  const { loadAddon: loadCopy } = await import(pathToFileURL(join(copy, 'lib/store/native-addon.ts')).href)
  throws(loadCopy, { code: 'STORE_ADDON_MISMATCH' })
})

test('ids that name no open store are refused without harm', () => {
  const addon = loadAddon()
  for (const id of [0, 999, -1, 0.5, Number.NaN, undefined, 'x', {}] as number[]) {
    const code = typeof id === 'number' && Number.isInteger(id) && id >= 0 ? 'STORE_CLOSED' : 'STORE_INVALID_ARGUMENT'
    const cells = new Float64Array(20)
    throws(() => addon.append(id, cells, 1, Buffer.alloc(1), Buffer.alloc(1)), { code })
    throws(() => addon.readWatermarks(id, cells), { code })
    throws(() => addon.close(id), { code })
    throws(() => addon.queues(id), { code })
  }
})

test('calls without arguments are refused without harm', () => {
  const addon = loadAddon() as unknown as Record<string, unknown>
  for (const [name, member] of Object.entries(addon)) {
    if (typeof member !== 'function' || name === 'closeAll') continue
    throws(() => member(), { code: 'STORE_INVALID_ARGUMENT' }, name)
  }
})

test('the same file loaded twice is one addon', () => {
  const again = createRequire(import.meta.url)(join(packageRoot, 'build/Release/apogee_store.node')) as StoreAddon
  equal(again, loadAddon())
})
