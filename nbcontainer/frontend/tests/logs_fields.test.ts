import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldColumns, fieldsOf } from '../src/logs_fields';
import type { Line } from '../src/logs_store';

const line = (text: string, time = 1): Line => ({ source: 'web', text, time, error: false });
const entries = (text: string): unknown => {
  const found = fieldsOf(text);
  return found && Object.fromEntries(found.fields);
};

test('fields of JSON and logfmt lines', () => {
  assert.deepEqual(entries('{"msg":"a","http":{"status":500,"tags":[1,2]},"none":null,"empty":{}}'), {
    msg: 'a',
    'http.status': '500',
    'http.tags': '[1,2]',
    none: 'null',
    empty: '{}',
  });
  assert.deepEqual(entries('\x1b[32mlevel\x1b[0m=info msg="it \\"works\\"" took=1.5ms'), {
    level: 'info',
    msg: 'it "works"',
    took: '1.5ms',
  });
  for (const text of ['', 'plain', 'x = 1', 'one key=value only', '{"msg":', '[1,2]', '{'.repeat(5_000)])
    assert.equal(fieldsOf(text), null, text.slice(0, 20));
  assert.equal(
    fieldsOf('I0102 10:42:07.402 1 a.go:12] "done" pod="a/b" n=2')?.rest,
    'I0102 10:42:07.402 1 a.go:12] "done"',
  );
});

test('hostile lines are only text', () => {
  const found = fieldsOf('{"__proto__":{"polluted":"yes"},"constructor":"\\u001b[31m<img>"}');
  assert.equal(found?.fields.get('__proto__.polluted'), 'yes');
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  const started = performance.now();
  for (const evil of ['a="', 'a=', '{"a":', '\\"', 'a="\\']) fieldsOf(evil.repeat(5_000 / evil.length));
  assert.ok(performance.now() - started < 1_000);
  const columns = new FieldColumns();
  for (let at = 0; at < 1_000; at++) columns.of(line(`{"key${at}":1}`));
  assert.ok(columns.known.length <= 100);
});

test('which fields are columns', () => {
  const columns = new FieldColumns();
  const text = (at: number): string =>
    JSON.stringify({
      level: 'warn',
      time: 1,
      msg: 'slow',
      status: 200 + at,
      path: 'x'.repeat(60),
      user: 'ann',
    });
  const lines = Array.from({ length: 10 }, (_, at) => line(text(at)));
  for (const one of lines) columns.of(one);
  assert.ok(columns.on, 'columns from the start');
  assert.deepEqual(columns.chosen, ['status', 'user']);
  const [first] = lines;
  const cells = columns.cells(first!, columns.of(first!)!);
  assert.deepEqual(cells, {
    level: 'warning',
    values: ['200', 'ann'],
    message: 'slow',
    others: `path=${'x'.repeat(60)}`,
  });
  columns.choose('user');
  columns.choose('path');
  assert.deepEqual(columns.chosen, ['status', 'path']);
  assert.equal(columns.template, '7ch 6ch 24ch ');
  columns.toggle();
  for (const one of lines) columns.of({ ...one });
  assert.ok(!columns.on, 'what the user chose stays');
});

test('few structured lines among others are no columns', () => {
  const columns = new FieldColumns();
  for (const text of ['GET /', 'GET /x', '{"a":1}', 'GET /y']) columns.of(line(text));
  assert.ok(columns.any && !columns.on);
});
