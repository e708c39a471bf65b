import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complete } from '../src/lab/complete';
import { meaning } from '../src/lab/hover';

function labels(text: string): string[] {
  return complete(text, text.length)?.items.map((item) => item.label) ?? [];
}

test('verbs are completed, of one word and of several', () => {
  assert.deepEqual(labels('%docker pu'), ['push', 'pull']);
  assert.deepEqual(labels('%docker contai'), ['container']);
  assert.deepEqual(labels('%docker container l'), ['ls', 'list', 'logs']);
  assert.deepEqual(labels('%docker push nothing'), []);
});

test('flags that all verbs share may stand before the verb', () => {
  assert.deepEqual(labels('%docker --context prod pu'), ['push', 'pull']);
  assert.deepEqual(labels('%docker -H tcp://h:1 image l'), ['ls', 'list']);
  assert.deepEqual(labels('%kpod -n shop lo'), ['logs']);
  assert.deepEqual(labels('%docker --con'), ['--context']);
});

test('flags and their values are those of the verb', () => {
  assert.ok(labels('%docker container run --re').includes('--restart'));
  assert.deepEqual(labels('%docker --context prod run --pull '), ['always', 'missing', 'never']);
  assert.deepEqual(labels('%docker --context prod run --pull=m'), ['missing']);
  assert.deepEqual(labels('%docker ps --filter status=e'), ['status=exited']);
  assert.ok(labels('%%dockerfile --bu').includes('--build-arg'));
});

test('a flag is explained, wherever its verb stands', () => {
  const line = '%docker --context prod container run --restart x';
  assert.match(meaning(line, line.indexOf('--restart') + 3), /restart policy/);
  assert.match(meaning('%docker --context prod', 10), /docker context/);
});
