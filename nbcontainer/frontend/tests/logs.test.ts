import assert from 'node:assert/strict';
import { test } from 'node:test';
import { colourOf, shorten } from '../src/logs_lines';
import { levelOf } from '../src/logs_levels';
import { compile, highlights } from '../src/logs_search';
import { LogStore, type WireLine } from '../src/logs_store';
import { momentOf } from '../src/logs_time';

function message(first: number, count: number, total = first + count) {
  const lines = Array.from({ length: count }, (_, at): WireLine => [0, `line ${first + at}`, 0, 0]);
  return { first, names: ['web'], lines, total };
}

test('lines come in any order, and what is missing is known', () => {
  const store = new LogStore();
  store.apply(message(0, 10), 0);
  assert.equal(store.get(3)?.text, 'line 3');
  assert.equal(store.missing(0, 99), null);
  store.apply(message(5_000, 400), 1000);
  assert.equal(store.total, 5_400);
  assert.deepEqual(store.missing(0, 20), { first: 0, count: 256 });
  assert.deepEqual(store.missing(4_990, 5_010), { first: 4_864, count: 256 });
  assert.deepEqual(store.missing(300, 600), { first: 256, count: 512 });
  assert.equal(store.missing(5_000, 9_999), null);
  store.put(message(4_864, 256));
  assert.equal(store.missing(4_990, 5_010), null);
  assert.equal(store.get(4_990)?.source, 'web');
});

test('a page holds a bounded part of a log of any length', () => {
  const store = new LogStore();
  for (let first = 0; first < 1_000_000; first += 400) store.apply(message(first, 400), first / 100);
  assert.equal(store.total, 1_000_000);
  assert.ok(store.held <= 64 * 256);
  assert.equal(store.get(999_999)?.text, 'line 999999');
  assert.equal(store.get(0), undefined);
});

test('what is looked at stays while others come', () => {
  const store = new LogStore();
  store.apply(message(0, 256, 100_000), 0);
  for (let first = 1_000; first < 100_000; first += 400) {
    assert.equal(store.missing(0, 20), null);
    store.put(message(first, 400));
  }
  assert.equal(store.get(5)?.text, 'line 5');
});

test('the rate', () => {
  const store = new LogStore();
  for (let second = 0; second <= 10; second++) store.apply(message(second * 200, 200), second * 1000);
  assert.equal(Math.round(store.rate(10_000)), 200);
  assert.equal(store.rate(14_000), 0);
});

test('remarks stand before their line', () => {
  const store = new LogStore();
  store.apply(
    {
      ...message(0, 5),
      notes: [
        [2, 'restarted'],
        [2, 'again'],
      ],
      sources: { web: true },
    },
    0,
  );
  assert.deepEqual(store.notes.get(2), ['restarted', 'again']);
  for (let at = 0; at < 1_000; at++) store.apply({ notes: [[at + 10, 'x']] }, 0);
  assert.ok(store.notes.size <= 200);
});

test('the pattern of a search', () => {
  assert.ok(compile('a.b', false).test('A.B'));
  assert.ok(!compile('a.b', false).test('axb'));
  assert.ok(!compile('ERR', false).test('err'));
  assert.ok(compile('error OR 5\\d\\d', true).test('status 503'));
  assert.ok(compile('error OR 5\\D', true).test('ERROR'));
  assert.ok(compile('50/50 (x) OR [y]', false).test('[Y]'));
  assert.throws(() => compile('(', true));
});

test('sources', () => {
  assert.equal(shorten('web-1'), 'web-1');
  assert.equal(shorten('payments-worker-7c9d5b6f4-x2x8q'), 'payments-work…d5b6f4-x2x8q');
  assert.equal(colourOf('web'), colourOf('web'));
  const colours = new Set(Array.from({ length: 200 }, (_, at) => colourOf(`web-${at}`)));
  assert.equal(colours.size, 8);
});

test('levels', () => {
  for (const [text, level] of [
    ['{"level":"error"}', 'error'],
    ['{"level":50}', 'error'],
    ['{"level":30}', 'info'],
    ['{"level":60}', 'fatal'],
    ['{"level":10}', 'trace'],
    ['level=notice', 'info'],
    ['time=now level=warn msg=x', 'warning'],
    ['E1123 10:42:07.113200 main.go:5] failed', 'error'],
    ['2026-11-23 10:42:07,113 ERROR [main] it failed', 'error'],
    ['\x1b[33mWARN\x1b[0m late', 'warning'],
    ['[10:42:07] [debug] nothing', 'debug'],
    ['no error here', ''],
  ] as const)
    assert.equal(levelOf(text), level, text);
});

test('times as a user writes them', () => {
  const near = new Date(2026, 0, 2, 3, 4, 5).getTime() / 1000;
  assert.equal(momentOf('3:04:05', near), near);
  assert.equal(momentOf(' 03:04:05.5 ', near), near + 0.5);
  assert.equal(momentOf('2026-01-02 03:04:05', 0), near);
  assert.equal(momentOf('2026-01-02T03:04:05Z', 0), Date.UTC(2026, 0, 2, 3, 4, 5) / 1000);
  for (const text of ['', 'noon', '7', '2026-13-40']) assert.equal(momentOf(text, near), null);
});

test('what is marked', () => {
  assert.equal(highlights([]), null);
  assert.equal(highlights(['(']), null);
  assert.ok(highlights(['(', 'a.c'])?.test('abc'));
  assert.ok(highlights(['(?i)ABC', 'x'])?.test('abc'));
});
