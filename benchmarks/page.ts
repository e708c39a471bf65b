// What the page computes, without a page: `node page.mjs NAME` does it once and prints the seconds it took.

import { parse } from '../nbcontainer/frontend/src/ansi';
import { TableStore, type WireRow } from '../nbcontainer/frontend/src/tables_store';

const COLUMNS: [string, string, boolean][] = [
  ['Name', 'text', false],
  ['Status', 'status', false],
  ['Restarts', 'number', false],
];
const ROWS = 10_000;
const BATCHES = 20;
const CHANGES = 25; // of a batch
const EVIL = ['\x1b[', '\x1b]8;;', '\x1bP', '\x1b[38;5;', ';', '\x1b[1m', '\u202e'];

const row = (key: string, restarts = 0): WireRow => [
  key,
  [key, 'Running', restarts],
  '',
  key,
  'shop',
  'Pod',
  { app: 'web' },
];
const name = (at: number): string => `shop/web-${String((at * 7919) % (2 * ROWS)).padStart(5, '0')}`;
const rows = Array.from({ length: ROWS }, (_, at) => row(name(at)));
const byKey = [...rows].sort(([first], [second]) => (first < second ? -1 : 1));

function table(sorted: boolean): TableStore {
  const store = new TableStore();
  store.apply({ reset: true, columns: COLUMNS, rows: sorted ? byKey : rows, by_key: sorted }, 0);
  if (!sorted) store.sortBy(0);
  store.refresh();
  return store;
}

function batches(store: TableStore, first: number): void {
  for (let turn = 0; turn < BATCHES; turn++) {
    const numbers = Array.from({ length: CHANGES }, (_, at) => first + turn * CHANGES + at);
    store.apply({ rows: numbers.map((at) => row(name(at), turn)) }, turn);
    store.refresh();
  }
}

const DEEDS: Record<string, () => () => void> = {
  'first rows': () => () => void table(false),
  'rows that change': () => {
    const store = table(false);
    return () => batches(store, 0);
  },
  'rows that come': () => {
    const store = table(true);
    return () => batches(store, ROWS);
  },
  'plain line': () => () => EVIL.forEach((evil) => parse('x'.repeat(200_000 * evil.length))),
  'hostile line': () => () => EVIL.forEach((evil) => parse(evil.repeat(200_000))),
  'hostile line, twice as long': () => () => EVIL.forEach((evil) => parse(evil.repeat(400_000))),
};

const deed = DEEDS[process.argv[2] ?? '']!();
const begun = performance.now();
deed();
console.log((performance.now() - begun) / 1000);
