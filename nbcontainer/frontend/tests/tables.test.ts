import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDuration, readFilter, readSize } from '../src/tables_filter';
import { TableStore, type TableWire, type WireRow, type WireVerb } from '../src/tables_store';
import { fitWidths } from '../src/tables_widths';
import { magicLines } from '../src/tables_verbs';

const NOW = 1_790_000_000;
const COLUMNS: [string, string, boolean][] = [
  ['Name', 'text', false],
  ['Status', 'status', false],
  ['Restarts', 'number', false],
  ['Memory', 'bytes', false],
  ['Age', 'age', false],
];

function row(key: string, name: string, status: string, tone: string, restarts = 0, age = 60): WireRow {
  return [
    key,
    [name, status, restarts, 7_900_000, NOW - age],
    tone,
    name,
    'shop',
    'Pod',
    { app: name.split('-')[0] ?? '', tier: key },
  ];
}

function table(...rows: WireRow[]): TableStore {
  const store = new TableStore();
  store.now = () => NOW;
  const whole: TableWire = { reset: true, title: 'Pods', columns: COLUMNS, rows, live: true };
  store.apply(whole, 0);
  store.refresh();
  return store;
}

const ROWS = [
  row('1', 'web-10', 'Running', ''),
  row('2', 'web-9', 'Pending', 'warning', 0, 30),
  row('3', 'cart-1', 'CrashLoopBackOff', 'bad', 6, 4000),
  row('4', 'cart-2', 'Running', '', 1, 90_000),
];

function shown(store: TableStore): string {
  store.refresh();
  return store.shown.map((shown) => shown.key).join('');
}

test('a restart is shown with its age, which ticks, and the number sorts', () => {
  const store = new TableStore();
  let now = NOW;
  store.now = () => now;
  const columns: [string, string, boolean][] = [['RESTARTS', 'restarts', false]];
  const pod = (key: string, count: number, restarted: number): WireRow => [
    key,
    [count],
    '',
    key,
    '',
    'Pod',
    {},
    restarted,
  ];
  store.apply({ reset: true, columns, rows: [pod('a', 10, NOW - 65), pod('b', 9, 0)] }, 0);
  assert.equal(shown(store), 'ab');
  assert.deepEqual(
    store.shown.map((each) => store.text(each, 0)),
    ['10 (65s ago)', '9'],
  );
  now += 10;
  assert.equal(store.text(store.shown[0]!, 0), '10 (75s ago)');
  store.sortBy(0);
  assert.equal(shown(store), 'ba');
  store.setFilter('restarts>9');
  assert.equal(shown(store), 'a');
});

test('ranks come before keys, and a row whose rank changes moves', () => {
  const store = new TableStore();
  const ranked = (key: string, rank: string): WireRow => [key, [key], '', key, '', '', {}, 0, rank];
  const rows = [ranked('c', ''), ranked('a', '1'), ranked('b', '2')];
  store.apply({ reset: true, columns: [['NAME', 'text', false]], rows, by_key: true }, 0);
  assert.equal(shown(store), 'cab');
  store.apply({ rows: [ranked('d', '1')] }, 0);
  assert.equal(shown(store), 'cadb');
  store.apply({ rows: [ranked('a', '3')] }, 0);
  assert.equal(shown(store), 'cdba');
});

test('the selection is known by names, with the namespace if it is shown', () => {
  const store = table(...ROWS);
  store.select(['web-9', 'cart-2', 'gone']);
  assert.deepEqual([...store.selected], ['2', '4']);
  store.apply({ gone: ['4'] }, 0);
  assert.deepEqual(store.selectedNames(), ['web-9']);
  store.apply({ columns: [['NAMESPACE', 'text', false], ...COLUMNS] }, 0);
  assert.deepEqual(store.selectedNames(), ['shop/web-9']);
  store.select(['web-9', 'shop/web-10']);
  assert.deepEqual([...store.selected], ['1']);
});

test('events begin with the newest, until they are sorted otherwise', () => {
  const store = new TableStore();
  store.now = () => NOW;
  const events: WireRow[] = [90, 60, 30].map((age, index) => [
    String(index),
    [NOW - age, 'Normal'],
    '',
    '',
    'shop',
    'Event',
    {},
  ]);
  const columns: [string, string, boolean][] = [
    ['LAST SEEN', 'age', false],
    ['TYPE', 'status', false],
  ];
  store.apply({ reset: true, title: 'events', columns, rows: events, live: true }, 0);
  assert.equal(shown(store), '210');
  store.sortBy(0);
  assert.equal(shown(store), '012');
  store.apply({ reset: true, title: 'events', columns, rows: events, live: true }, 0);
  assert.equal(shown(store), '012');
});

test('the filter', () => {
  const store = table(...ROWS);
  const cases: [string, string][] = [
    ['', '1234'],
    ['   ', '1234'],
    ['web', '12'],
    ['WEB', '12'],
    ['!web', '34'],
    ['web !pending', '1'],
    ['/^web-\\d$/', '2'],
    ['!/web|2$/', '3'],
    ['/a b|cart-1/', '3'],
    ['=Running', '14'],
    ['!=Running', '23'],
    ['web !=Running', '2'],
    ['status=pending', '2'],
    ['status!=running', '23'],
    ['stat!=running', '23'],
    ['!status=running', '23'],
    ['name~^cart', '34'],
    ['restarts>0', '34'],
    ['restarts>=6', '3'],
    ['restarts<=1 cart', '4'],
    ['age<1m', '2'],
    ['age>1h', '34'],
    ['memory>7MB', '1234'],
    ['memory>8MB', ''],
    ['-l app=web', '12'],
    ['-lapp=web', '12'],
    ['-l app!=web', '34'],
    ['-l app', '1234'],
    ['-l !app', ''],
    ['-l app=cart,tier=4', '4'],
    ['-l app=cart, tier=4', '4'],
    ['-l "app in (web, db)" running', '1'],
    ['-l app in (web,db)', '12'],
    ['-l app notin (web)', '34'],
    ['-l app=web !=Running', '2'],
    ['"web-1"', '1'],
    ['nothing=here', ''],
    ['!', '1234'],
  ];
  for (const [text, keys] of cases) {
    store.setFilter(text);
    assert.equal(shown(store), keys, text);
    assert.equal(store.filter.trouble, '', text);
  }
});

test('what cannot be read is told, and hides nothing', () => {
  const store = table(...ROWS);
  for (const text of ['/(/', 'restarts>many', '-l app=(', 'age<soon', 'name~[']) {
    store.setFilter(text);
    assert.notEqual(store.filter.trouble, '', text);
    assert.equal(shown(store), '1234', text);
  }
  assert.equal(readFilter('web', [], () => 0).trouble, '');
});

test('durations and sizes', () => {
  assert.deepEqual(['90', '10m', '1h30m', '2d', 'x', '-1'].map(readDuration), [
    90,
    600,
    5400,
    172_800,
    NaN,
    NaN,
  ]);
  assert.deepEqual(['512', '1.5mb', '2gi', '1k', 'x'].map(readSize), [512, 1_500_000, 2 ** 31, 1000, NaN]);
});

test('the order: numbers inside names count, and a third time is as it came', () => {
  const store = table(...ROWS);
  store.sortBy(0);
  assert.equal(shown(store), '3421');
  store.sortBy(0);
  assert.equal(shown(store), '1243');
  store.sortBy(0);
  assert.equal(shown(store), '1234');
  store.sortBy(2);
  assert.equal(shown(store), '1243');
  store.sortBy(4);
  assert.equal(shown(store), '2134', 'the youngest first');
});

test('changes keep the order, the place and the selection', () => {
  const store = table(...ROWS);
  store.selected = new Set(['2', '3']);
  store.apply({ rows: [row('2', 'web-9', 'Running', '')], gone: ['3'] }, 1000);
  assert.equal(shown(store), '124');
  assert.deepEqual([...store.selected], ['2']);
  assert.equal(store.rows.get('2')?.changed?.[1], 1000);
  assert.equal(store.rows.get('2')?.changed?.[0], 0);
  store.apply({ rows: [row('5', 'new', 'Pending', 'warning')] }, 1000);
  assert.equal(shown(store), '1245');
  assert.equal(store.rows.get('5')?.changed, null);
  store.apply(
    { reset: true, columns: COLUMNS, rows: [row('5', 'new', 'x', ''), row('2', 'web', 'x', '')] },
    0,
  );
  assert.equal(shown(store), '52');
  assert.deepEqual([...store.selected], ['2']);
});

test('where the kernel keeps rows by key, new ones are not at the end', () => {
  const store = new TableStore();
  const listed = ['b', 'd', 'c'].map((key) => row(key, 'web', 'Running', ''));
  store.apply({ reset: true, columns: COLUMNS, rows: listed, by_key: true }, 0);
  assert.equal(shown(store), 'bdc', 'as it was listed');
  store.apply({ rows: [row('d', 'web', 'Pending', 'warning')], gone: ['b'] }, 1);
  assert.equal(shown(store), 'dc');
  store.apply({ rows: [row('e', 'web', 'Running', ''), row('a', 'web', 'Running', '')] }, 1);
  store.apply({ rows: [row('b', 'web', 'Running', '')] }, 1);
  assert.equal(shown(store), 'abcde');
  store.sortBy(1);
  assert.equal(shown(store), 'dabce', 'equal ones stay in that order');
  store.apply({ rows: [row('ab', 'web', 'Running', '')] }, 1);
  assert.equal(shown(store), 'daabbce');
  store.setFilter('=Running');
  store.sortBy(1);
  store.sortBy(1);
  assert.equal(shown(store), 'aabbce');
});

test('a change that moves a row, or takes it out of the filter, is seen', () => {
  const store = table(...ROWS);
  store.setFilter('=Running');
  assert.equal(shown(store), '14');
  store.apply({ rows: [row('2', 'web-9', 'Running', '')] }, 1);
  assert.equal(shown(store), '124');
  store.apply({ rows: [row('1', 'web-10', 'Error', 'bad')] }, 1);
  assert.equal(shown(store), '24');
  store.setFilter('');
  store.sortBy(2);
  shown(store);
  store.apply({ rows: [row('1', 'web-10', 'Running', '', 99)] }, 1);
  assert.equal(shown(store), '2431');
  store.apply({ rows: [row('2', 'web-9', 'Failed', 'bad')] }, 1);
  assert.equal(store.stale, false, 'the restarts are the same: the order stands');
  assert.equal(store.shown[store.positionOfKey('2')]?.drawn[1], 'Failed');
});

test('another store takes over what the person set up', () => {
  const old = table(...ROWS);
  old.sortBy(2);
  old.setFilter('cart');
  old.selected.add('3').add('1');
  const anew = table(ROWS[2] as WireRow, ROWS[3] as WireRow);
  anew.adopt(old);
  assert.equal(shown(anew), '43');
  assert.deepEqual([...anew.selected], ['3']);
});

test('names are text with signs for what cannot be seen', () => {
  const store = table(row('1', '<b>\x1b[31m\u202e\n', 'x', ''));
  assert.equal(store.shown[0]?.drawn[0], '<b>␛[31m⟨U+202E⟩␊');
});

test('of 10,000 rows, 500 that change are shown as they are now, in their places', () => {
  const rows = Array.from({ length: 10_000 }, (_, at) => row(String(at), `web-${at}`, 'Running', ''));
  const store = table(...rows);
  store.sortBy(0);
  store.refresh();
  for (let turn = 0; turn < 20; turn++) {
    const changes = Array.from({ length: 25 }, (_, at) =>
      row(
        String((turn * 997 + at * 31) % 10_000),
        `web-${(turn * 997 + at * 31) % 10_000}`,
        'Running',
        '',
        turn,
      ),
    );
    store.apply({ rows: changes }, turn);
    store.refresh();
  }
  const names = store.shown.map((shown) => shown.drawn[0] ?? '');
  assert.equal(new Set(names).size, 10_000);
  assert.equal(store.shown.filter((shown) => shown.drawn[2] !== '0').length, 19 * 25); // the first turn's is 0
});

test('10,000 rows by key, to which others come, are in order', () => {
  const key = (at: number): string => `shop/web-${String((at * 7919) % 20_000).padStart(5, '0')}`;
  const rows = Array.from({ length: 10_000 }, (_, at) => row(key(at), key(at), 'Running', ''));
  rows.sort(([first], [second]) => (first < second ? -1 : 1));
  const store = new TableStore();
  store.apply({ reset: true, columns: COLUMNS, rows, by_key: true }, 0);
  store.refresh();
  for (let turn = 0; turn < 20; turn++) {
    const come = Array.from({ length: 25 }, (_, at) => 10_000 + turn * 25 + at);
    store.apply({ rows: come.map((at) => row(key(at), key(at), 'Pending', 'warning')) }, turn);
    store.refresh();
  }
  const keys = store.shown.map((shown) => shown.key);
  assert.deepEqual(keys, [...keys].sort());
});

test('where there is little room, headers shrink before texts, and the name last', () => {
  const needs = [
    { head: 38, content: 180, text: true }, // NAME
    { head: 42, content: 20, text: true }, // READY
    { head: 50, content: 115, text: false }, // STATUS
    { head: 64, content: 8, text: false }, // RESTARTS
    { head: 26, content: 48, text: false }, // AGE
  ];
  const wide = fitWidths(needs, 900);
  assert.deepEqual(wide, { padding: 10, widths: [202, 76, 137, 98, 70] });
  const total = (widths: number[]): number => widths.reduce((all, width) => all + width, 0);
  const tight = fitWidths(needs, 520).widths;
  assert.deepEqual(tight, [194, 56, 129, 78, 62], 'the padding alone is enough');
  const cut = fitWidths(needs, 460).widths;
  assert.deepEqual([cut[0], cut[2], cut[4]], [194, 129, 62]);
  assert.ok(total(cut) <= 460);
  const small = fitWidths(needs, 380).widths;
  assert.deepEqual([small[2], small[4]], [129, 62]);
  assert.equal(total(small), 380);
  assert.deepEqual(fitWidths(needs, 100).widths, [90, 34, 129, 34, 62], 'it scrolls');
  assert.equal(
    fitWidths([...needs, { head: 60, content: 398, text: true }], 100).widths[5],
    412,
    'a message is whole',
  );
  assert.deepEqual(fitWidths([], 100).widths, []);
});

test('verbs become lines of magics, and no name becomes code', () => {
  const store = new TableStore();
  const row = (name: string, namespace: string): WireRow => [
    `${namespace}/${name}`,
    [name],
    '',
    name,
    namespace,
    'Pod',
    {},
  ];
  const names = [
    row('web', 'shop'),
    row('db', 'shop'),
    row('x\nimport os', 'shop'),
    row('--all', 'a'),
    row('api', 'a'),
  ];
  store.apply({ reset: true, columns: [['Name', 'text', false]], rows: names }, 0);
  const rows = [...store.rows.values()];
  const logs: WireVerb = ['l', 'logs', '%kpod logs {rows} --context=c', true, true];
  assert.deepEqual(magicLines(logs, rows), [
    '%kpod logs -n shop pod/web pod/db --context=c',
    '%kpod logs -n a api --context=c',
  ]);
  const describe: WireVerb = ['d', 'describe', '%kpod describe {rows}', false, true];
  assert.deepEqual(magicLines(describe, rows), [
    '%kpod describe -n shop web',
    '%kpod describe -n shop db',
    '%kpod describe -n a api',
  ]);
  const any: WireVerb = ['y', 'yaml', '%kube get {rows:deployment.apps} -o yaml', true, true];
  assert.deepEqual(magicLines(any, rows), [
    '%kube get -n shop deployment.apps/web deployment.apps/db -o yaml',
    '%kube get -n a deployment.apps/api -o yaml',
  ]);
  const alone = [row('p', '')];
  store.apply({ reset: true, rows: alone }, 0);
  assert.deepEqual(magicLines(logs, [...store.rows.values()]), ['%kpod logs p --context=c']);
  const many = Array.from({ length: 11 }, (_, number) => row(`web-${number}`, ''));
  store.apply({ reset: true, rows: many }, 0);
  assert.deepEqual(magicLines(describe, [...store.rows.values()]), []);
  assert.equal(magicLines(logs, [...store.rows.values()]).length, 1);
});
