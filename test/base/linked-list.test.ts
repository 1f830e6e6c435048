import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LinkedList, ListLink } from '../../lib/base/linked-list.ts'

test('members leave from any place, and nothing leads from them to the others', () => {
  const list = new LinkedList<string>()
  const [a, b, c] = ['a', 'b', 'c'].map((value) => new ListLink(value))
  for (const link of [a!, b!, c!]) list.push(link)
  assert.deepEqual(list.toArray(), ['a', 'b', 'c'])
  list.remove(b!)
  assert.deepEqual([b!.next, b!.previous, b!.list], [undefined, undefined, undefined])
  assert.deepEqual(list.toArray(), ['a', 'c'])
  list.push(b!)
  assert.deepEqual(list.toArray(), ['a', 'c', 'b'])
})

test('what is not in the list is not taken out of it', () => {
  const [list, other] = [new LinkedList<string>(), new LinkedList<string>()]
  const link = new ListLink('a')
  other.push(link)
  list.remove(link)
  assert.deepEqual([list.isEmpty, other.toArray()], [true, ['a']])
})

test('one that is visited may leave', () => {
  const list = new LinkedList<string>()
  const links = ['a', 'b', 'c'].map((value) => new ListLink(value))
  for (const link of links) list.push(link)
  const visited: string[] = []
  list.forEach((value) => {
    visited.push(value)
    if (value !== 'b') list.remove(links.find((link) => link.value === value)!)
  })
  assert.deepEqual([visited, list.toArray()], [['a', 'b', 'c'], ['b']])
})

test('whatever comes and goes, the list holds what an array would', () => {
  const step = fc.record({ comes: fc.boolean(), at: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const list = new LinkedList<number>()
      const links: ListLink<number>[] = []
      for (const [index, { comes, at }] of steps.entries()) {
        if (comes || links.length === 0) {
          const link = new ListLink(index)
          links.push(link)
          list.push(link)
        } else list.remove(links.splice(at % links.length, 1)[0]!)
        assert.deepEqual(
          list.toArray(),
          links.map(({ value }) => value),
        )
        assert.deepEqual([list.isEmpty, list.size, list.first], [links.length === 0, links.length, links[0]?.value])
      }
    }),
  )
})
