import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { cellName, defaultCells, parseCells } from '../../bench/broker/cells.ts'
import { parseOptions } from '../../bench/broker/options.ts'

test('every cell of the matrix is found again by its name', () => {
  const names = defaultCells.map(cellName)
  equal(new Set(names).size, names.length)
  deepEqual(parseCells(names.join(',')), defaultCells)
})

test('a cell can name its body size and its send style', () => {
  deepEqual(parseCells('2x3@128/single'), [
    { mode: 'send', connections: 2, inFlight: 3, bodyBytes: 128, sendStyle: 'single' },
  ])
  equal(cellName(parseCells('2x3@128/single')[0]!), '2x3@128/single')
})

test('an unknown cell is named in the error', () => {
  throws(() => parseCells('1x1,push-3'), /push-3/)
})

test('--quick measures the two cells with a target, in async flush, for two seconds', () => {
  const options = parseOptions(['--quick'])
  deepEqual(options?.cells.map(cellName), ['1x256', '16x1'])
  deepEqual(options?.flushModes, ['async'])
  equal(options?.durationSeconds, 2)
  equal(options?.rounds, 2)
})

test('options that make no sense are refused', () => {
  for (const wrong of [
    ['--rounds', '0'],
    ['--rounds', '1.5'],
    ['--only', 'rust'],
    ['--flush', 'sometimes'],
    ['--duration', 'long'],
    ['--java-heap', '4g -version'],
    ['--colour', 'red'],
  ]) {
    throws(() => parseOptions(wrong), Error, wrong.join(' '))
  }
})
