import { equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import {
  dlqTopic,
  groupOfTopic,
  isSystemGroup,
  isSystemTopic,
  isUnsendableTopic,
  isValidGroup,
  isValidTopic,
  replyTopic,
  retryTopic,
  validateGroup,
  validateTopic,
} from '../../lib/protocol/names.ts'
import { permText } from '../../lib/protocol/permissions.ts'

test('topic names have 1 to 127 characters of the alphabet', () => {
  for (const topic of ['a', '%RETRY%g-1_|', 'x'.repeat(127)]) equal(validateTopic(topic), undefined)
  for (const topic of ['', ' ', 'a b', '../x', 'a\n', 'ä', 'a\u0000', 'x'.repeat(128)])
    equal(isValidTopic(topic), false)
})

test('a refused topic name is answered in the words of the Java broker', () => {
  equal(validateTopic('\t'), 'The specified topic is blank.')
  equal(validateTopic('a/b'), 'The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$')
  equal(validateTopic('x'.repeat(128)), 'The specified topic is longer than topic max length.')
})

test('group names have 1 to 255 characters of the alphabet', () => {
  ok(isValidGroup('g'.repeat(255)))
  match(validateGroup('g'.repeat(256))!, /longer than group max length 255/)
  match(validateGroup('g g')!, /\[g g\] contains illegal characters/)
  equal(validateGroup(''), 'the specified group is blank')
})

test('topics of a group and of a cluster have their prefixes and suffixes', () => {
  equal(retryTopic('g'), '%RETRY%g')
  equal(dlqTopic('g'), '%DLQ%g')
  equal(groupOfTopic('%RETRY%g'), 'g')
  equal(groupOfTopic('%DLQ%g'), 'g')
  equal(groupOfTopic('g'), undefined)
  equal(replyTopic('DefaultCluster'), 'DefaultCluster_REPLY_TOPIC')
})

test('system topics and groups are known, and those that clients may not send to', () => {
  for (const topic of ['TBW102', 'BenchmarkTest', 'RMQ_SYS_TRACE_TOPIC', 'rmq_sys_other']) {
    ok(isSystemTopic(topic))
    equal(isUnsendableTopic(topic), false)
  }
  for (const topic of ['SCHEDULE_TOPIC_XXXX', 'SELF_TEST_TOPIC', 'OFFSET_MOVED_EVENT', 'rmq_sys_wheel_timer']) {
    ok(isUnsendableTopic(topic))
  }
  equal(isSystemTopic('T'), false)
  ok(isSystemGroup('CID_RMQ_SYS_TRANS'))
})

test("permissions have Java's text form", () => {
  equal(permText(7), 'RWX')
  equal(permText(6), 'RW-')
  equal(permText(4), 'R--')
  equal(permText(0), '---')
})
