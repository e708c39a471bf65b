// A table's data, independent of the page: rows by key, which of them are shown, their order, and the selection.

import { visible } from './ansi';
import { bytes, formatAge } from './format';
import { readFilter, type Filter, type Filterable } from './tables_filter';

export type Cell = string | number | null;

export interface Column {
  name: string;
  kind: string;
  wide: boolean;
}

/** A table with this column starts sorted newest first: events, of which a terminal shows the newest at the end. */
const NEWEST_FIRST = 'LAST SEEN';

/** A row as the kernel sends it: key, cells, tone, name, namespace, kind, labels, and what few rows have. */
export type WireRow = [
  key: string,
  cells: Cell[],
  tone: string,
  name: string,
  namespace: string,
  kind: string,
  labels: Record<string, string>,
  restarted?: number,
  rank?: string,
];

/** An action on rows: key, word, the magic's line with {rows}, whether it takes several rows, whether it is run. */
export type WireVerb = [key: string, word: string, line: string, many: boolean, runs: boolean];

/** What the kernel sends: everything (with `columns`), or what changed. */
export interface TableWire {
  /** `rows` are all rows; any others are gone. */
  reset?: boolean;
  title?: string;
  where?: string;
  note?: string;
  columns?: [string, string, boolean][];
  rows?: WireRow[];
  gone?: string[];
  live?: boolean;
  trouble?: string;
  /** Rows that arrive later are placed in the order of all ranks and keys, not at the end. */
  by_key?: boolean;
  verbs?: WireVerb[];
  /** How many rows are in each state: the word for it, its tone, and the number. */
  counts?: [string, string, number][];
}

export interface Row extends Filterable {
  key: string;
  name: string;
  namespace: string;
  /** What the object is ("Pod"), or "". */
  kind: string;
  texts: string[];
  cells: Cell[];
  /** The cells as drawn; an age is drawn from `cells`. */
  drawn: string[];
  tone: string;
  labels: Record<string, string>;
  /** When one of its containers was last restarted, in seconds since the epoch; 0 for never. */
  restarted: number;
  /** Sorts before the key, in the table's own order. */
  rank: string;
  place: number;
  /** When each cell last changed (milliseconds of the page's clock), or null if none has. */
  changed: Float64Array | null;
}

const MANY_CHANGES = 20; // rows a second
const LONG_TEXTS = 40; // measured for a column's width

export class TableStore {
  title = '';
  where = '';
  note = '';
  trouble = '';
  counts: [string, string, number][] = [];
  live = false;
  columns: Column[] = [];
  rows = new Map<string, Row>();
  /** The rows that are shown, in order. */
  shown: Row[] = [];
  selected = new Set<string>();
  sortColumn = -1;
  descending = false;
  filterText = '';
  filter: Filter = { test: null, trouble: '' };
  /** Long texts of each column, for its width: the one with the most characters is not always the widest. */
  long: Set<string>[] = [];
  /** Whether `shown` must be rebuilt. */
  stale = true;
  verbs: WireVerb[] = [];
  /** Whether it ever followed the server: one that never did is a static table. */
  followed = false;
  /** Incremented by each message. */
  version = 0;
  /** The kernel's clock, in seconds. */
  now: () => number = () => Date.now() / 1000;
  private byKey = false;
  /** New rows are still at the end, not yet where their keys belong. */
  private misplaced = false;
  private places = 0;
  /** How many rows changed lately, a second ago counting a third; and when that was computed. */
  private changes = 0;
  private changedAt = 0;
  private letters: number[] = [];
  private sortKeys = new Map<Row, string | number>();

  /** Applies a message; `clock` is the page's time in milliseconds, for flashes. True if the columns changed. */
  apply(message: TableWire, clock: number): boolean {
    this.title = message.title ?? this.title;
    this.where = message.where ?? this.where;
    this.note = message.note ?? this.note;
    this.live = message.live ?? this.live;
    this.trouble = message.trouble ?? this.trouble;
    this.verbs = message.verbs ?? this.verbs;
    this.counts = message.counts ?? this.counts;
    this.byKey = message.by_key ?? this.byKey;
    this.followed ||= this.live;
    this.version++;
    const anew = message.columns !== undefined && this.setColumns(message.columns);
    const before = this.rows;
    if (message.reset) {
      this.rows = new Map();
      this.places = 0;
      this.stale = true;
      this.misplaced = false;
    }
    const places = this.places;
    this.changes = this.changesAt(clock) + (message.reset ? 0 : (message.rows?.length ?? 0));
    this.changedAt = clock;
    for (const row of message.rows ?? []) this.put(row, before, anew ? 0 : clock);
    if (this.byKey && !message.reset) this.misplaced ||= this.places > places;
    for (const key of message.gone ?? []) this.remove(key);
    if (message.reset) {
      for (const key of this.selected) if (!this.rows.has(key)) this.selected.delete(key);
    }
    return anew;
  }

  private changesAt(clock: number): number {
    return this.changes * Math.exp((this.changedAt - clock) / 1000);
  }

  /** Whether so many rows change that a change is no longer shown by an animation. */
  isBusy(clock: number): boolean {
    return this.changesAt(clock) > MANY_CHANGES;
  }

  /** Takes over what the user set in another store of the same table. */
  adopt(other: TableStore): void {
    this.sortColumn = this.columns.findIndex(
      (column) => column.name === other.columns[other.sortColumn]?.name,
    );
    this.descending = other.descending;
    this.followed ||= other.followed;
    for (const key of other.selected) if (this.rows.has(key)) this.selected.add(key);
    this.setFilter(other.filterText);
  }

  /** The names of the selected rows, with their namespace if the table shows it. */
  selectedNames(): string[] {
    const nameOf = this.naming();
    return [...this.selected].map((key) => this.rows.get(key)).flatMap((row) => (row ? [nameOf(row)] : []));
  }

  /** Selects the rows with these names. */
  select(names: readonly string[]): void {
    const wanted = new Set(names);
    const nameOf = this.naming();
    this.selected.clear();
    if (!wanted.size) return;
    for (const row of this.rows.values()) if (wanted.has(nameOf(row))) this.selected.add(row.key);
  }

  private naming(): (row: Row) => string {
    const spaced = this.columns.some((column) => column.name === 'NAMESPACE');
    return (row) => (spaced ? `${row.namespace}/${row.name}` : row.name);
  }

  private setColumns(columns: [string, string, boolean][]): boolean {
    const next = columns.map(([name, kind, wide]) => ({ name: visible(name), kind, wide }));
    if (JSON.stringify(next) === JSON.stringify(this.columns)) return false;
    const sorted = this.columns.length ? this.columns[this.sortColumn]?.name : NEWEST_FIRST;
    this.columns = next;
    this.long = next.map(() => new Set());
    this.letters = next.map(() => 0);
    this.sortColumn = next.findIndex((column) => column.name === sorted);
    this.setFilter(this.filterText);
    return true;
  }

  private put(
    [key, cells, tone, name, namespace, kind, labels, restarted = 0, rank = '']: WireRow,
    before: Map<string, Row>,
    clock: number,
  ): void {
    const old = before.get(key);
    const drawn = this.columns.map((column, index) => format(cells[index] ?? null, column.kind));
    const row: Row = {
      key,
      name,
      namespace,
      kind,
      cells,
      drawn,
      texts: drawn.map((text) => text.toLowerCase()),
      tone,
      labels,
      restarted,
      rank,
      place: old && before === this.rows ? old.place : this.places++,
      changed: old?.changed ?? null,
    };
    if (old && clock) {
      for (let index = 0; index < drawn.length; index++) {
        if (drawn[index] === old.drawn[index]) continue;
        row.changed ??= new Float64Array(drawn.length);
        row.changed[index] = clock;
      }
    }
    for (let index = 0; index < drawn.length; index++) {
      const text = drawn[index] ?? '';
      const ago = restarted && this.columns[index]?.kind === 'restarts';
      this.noteLength(index, ago ? `${text} (59m59s ago)` : text);
    }
    if (old && old.rank !== rank) this.stale = this.misplaced = true;
    this.rows.set(key, row);
    this.updateShown(old, row);
  }

  private noteLength(column: number, text: string): void {
    const most = this.letters[column] ?? 0;
    const long = this.long[column];
    if (!long || text.length < most * 0.75 || (long.size >= LONG_TEXTS && text.length <= most)) return;
    if (text.length > most) this.letters[column] = text.length;
    if (long.size >= LONG_TEXTS) long.delete(long.values().next().value ?? '');
    long.add(text);
  }

  // the common case, a row that keeps its position, is updated in place; anything else makes the order stale
  private updateShown(old: Row | undefined, row: Row): void {
    if (this.stale) return;
    const test = this.filter.test;
    const was = old !== undefined && this.positions().has(old);
    const is = test === null || test(row);
    if (!was && !is) return;
    if (!was || !is || (this.sortColumn >= 0 && this.sortKey(old) !== this.sortKey(row))) {
      this.stale = true;
      return;
    }
    const position = this.positions().get(old) ?? 0;
    this.shown[position] = row;
    this.positionOf?.delete(old);
    this.positionOf?.set(row, position);
    this.sortKeys.delete(old);
  }

  private positionOf: Map<Row, number> | null = null;

  private positions(): Map<Row, number> {
    this.positionOf ??= new Map(this.shown.map((row, index) => [row, index]));
    return this.positionOf;
  }

  /** The position of the row with this key among those shown, or -1. */
  positionOfKey(key: string): number {
    const row = this.rows.get(key);
    return row ? (this.positions().get(row) ?? -1) : -1;
  }

  private remove(key: string): void {
    if (this.rows.delete(key)) this.stale = true;
    this.selected.delete(key);
  }

  setFilter(text: string): void {
    this.filterText = text;
    this.filter = readFilter(text, this.columns, () => this.now());
    this.stale = true;
  }

  /** Sorts by a column: first ascending, then descending, then in the server's order. */
  sortBy(column: number): void {
    if (this.sortColumn !== column) [this.sortColumn, this.descending] = [column, false];
    else if (!this.descending) this.descending = true;
    else [this.sortColumn, this.descending] = [-1, false];
    this.stale = true;
  }

  /** Rebuilds `shown` if it is stale. */
  refresh(): void {
    if (!this.stale) return;
    if (this.misplaced) this.placeByKey();
    const test = this.filter.test;
    const rows = test ? [...this.rows.values()].filter(test) : [...this.rows.values()];
    if (this.sortColumn >= 0) {
      this.sortKeys.clear();
      const keyed = rows.map((row) => [this.sortKey(row), row] as const);
      const sense = this.descending ? -1 : 1;
      keyed.sort(([a, first], [b, second]) => (a < b ? -sense : a > b ? sense : first.place - second.place));
      for (let index = 0; index < keyed.length; index++) rows[index] = keyed[index]?.[1] as Row;
    }
    this.shown = rows;
    this.positionOf = null;
    this.stale = false;
  }

  // once for all new rows; the others are in order already, which makes this sort a merge
  private placeByKey(): void {
    const rows = [...this.rows.values()].sort((a, b) => compared(a.rank, b.rank) || compared(a.key, b.key));
    this.rows = new Map(rows.map((row) => [row.key, row]));
    this.places = 0;
    for (const row of rows) row.place = this.places++;
    this.misplaced = false;
  }

  private sortKey(row: Row): string | number {
    let key = this.sortKeys.get(row);
    if (key === undefined) {
      key = sortKeyOf(row.cells[this.sortColumn] ?? null, this.columns[this.sortColumn]?.kind ?? 'text');
      this.sortKeys.set(row, key);
    }
    return key;
  }

  /** The text of a cell now: an age keeps growing. */
  text(row: Row, column: number): string {
    const cell = row.cells[column];
    const kind = this.columns[column]?.kind;
    if (kind === 'age' && typeof cell === 'number') return formatAge(this.now() - cell);
    const text = row.drawn[column] ?? '';
    return kind === 'restarts' && row.restarted
      ? `${text} (${formatAge(this.now() - row.restarted)} ago)`
      : text;
  }
}

function compared(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** A cell as drawn; an age returns an empty text, since it is drawn from the clock. */
export function format(cell: Cell, kind: string): string {
  if (cell === null || cell === '') return kind === 'text' || kind === 'status' ? '' : '–';
  if (kind === 'age' && typeof cell === 'number') return '';
  if (kind === 'bytes' && typeof cell === 'number') return bytes(cell);
  return visible(String(cell));
}

// numbers inside text sort as numbers; empty cells sort first
function sortKeyOf(cell: Cell, kind: string): string | number {
  if (kind === 'number' || kind === 'restarts' || kind === 'bytes') {
    const number = cell === null ? Number.NaN : typeof cell === 'number' ? cell : Number.parseFloat(cell);
    return Number.isNaN(number) ? -Infinity : number;
  }
  if (kind === 'age') return typeof cell === 'number' ? -cell : Infinity;
  return String(cell ?? '')
    .toLowerCase()
    .replace(/\d+/g, (digits) => digits.padStart(12, '0'));
}
