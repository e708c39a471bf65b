// The page's computations without a page: `node page.mjs NAME` runs one once and prints the seconds it took.

import { parse } from '../nbcontainer/frontend/src/ansi';
import { TableStore, type WireRow } from '../nbcontainer/frontend/src/tables_store';

const COLUMNS: [string, string, boolean][] = [
  ['Name', 'text', false],
  ['Status', 'status', false],
  ['Restarts', 'number', false],
];
const ROWS = 10_000;
const BATCHES = 20;
const CHANGES = 25; // per batch
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

const TASKS: Record<string, () => () => void> = {
  'first rows': () => () => void table(false),
  'changed rows': () => {
    const store = table(false);
    return () => batches(store, 0);
  },
  'new rows': () => {
    const store = table(true);
    return () => batches(store, ROWS);
  },
  'plain line': () => () => EVIL.forEach((evil) => parse('x'.repeat(200_000 * evil.length))),
  'hostile line': () => () => EVIL.forEach((evil) => parse(evil.repeat(200_000))),
  'hostile line, twice as long': () => () => EVIL.forEach((evil) => parse(evil.repeat(400_000))),
};

const task = TASKS[process.argv[2] ?? '']!();
const started = performance.now();
task();
console.log((performance.now() - started) / 1000);
