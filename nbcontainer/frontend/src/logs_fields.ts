// The fields of JSON and logfmt lines, by the same rules as the kernel's `fields_of`, and which of them are columns.

import { levelOf } from './logs_levels';
import type { Line } from './logs_store';

/** A JSON or logfmt line: its fields, those of objects within with a dot, and the words that belong to none. */
export interface Structured {
  fields: ReadonlyMap<string, string>;
  rest: string;
}

/** A field that some lines have. */
export interface Field {
  readonly name: string;
  count: number;
  /** The widest value so far that fits a column, in characters. */
  width: number;
  /** How many values are wider than any column. */
  wide: number;
}

const LEVELS = 'level|lvl|severity|severity_text|log.level|loglevel|levelname|@l'.split('|');
const TIMES = 'time|ts|timestamp|@timestamp|@t|t'.split('|');
const MESSAGES = 'msg|message|@m|@mt|event|body'.split('|');

const PAIR = /(?:^|(?<=\s))([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)/g;
// eslint-disable-next-line no-control-regex
const COLOUR = /\x1b\[[0-9;:]*m/g;

const WIDEST = 24; // characters of a column
const MAX_CHOSEN = 4; // columns that are shown unless the user chooses others
const MAX_FIELDS = 100; // that the page knows of
const SETTLED = 50; // lines after which the columns stay as they are
const MOST = 0.8; // of the first lines: if so many are structured, columns are shown from the start
const FIRST = 3; // lines before that is decided, …
const DECIDED = 40; // … and after which it is no longer

/** A line's fields; null for lines that are neither JSON nor logfmt. */
export function fieldsOf(text: string): Structured | null {
  const plain = text.replace(COLOUR, '').trim();
  return plain.startsWith('{') ? json(plain) : logfmt(plain);
}

function json(text: string): Structured | null {
  const fields = new Map<string, string>();
  try {
    flatten(JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]) as object, '', fields);
  } catch {
    return null; // not JSON, or nested too deeply
  }
  return { fields, rest: '' };
}

// numbers that JavaScript would round, such as long ids, stay as they are written where the browser tells how that is
function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  const rounded = typeof value === 'number' && !Number.isSafeInteger(value) && !(Math.abs(value) < 1e15);
  return rounded ? (context?.source ?? value) : value;
}

function flatten(found: object, prefix: string, fields: Map<string, string>): void {
  for (const [key, value] of Object.entries(found) as [string, unknown][]) {
    const nested = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (nested && Object.keys(value).length) flatten(value, `${prefix}${key}.`, fields);
    else fields.set(prefix + key, typeof value === 'string' ? value : JSON.stringify(value));
  }
}

function logfmt(text: string): Structured | null {
  if (!text.includes('=')) return null;
  const pairs = [...text.matchAll(PAIR)];
  const [first] = pairs;
  if (!first || (pairs.length < 2 && first.index > 0)) return null; // one may be by chance
  const fields = new Map(pairs.map(([, key = '', value = '']) => [key, unquoted(value)]));
  return { fields, rest: text.replace(PAIR, '').replace(/\s+/g, ' ').trim() };
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    return JSON.parse(value) as string;
  } catch {
    return value.slice(1, -1);
  }
}

/** A line as columns show it. */
export interface Cells {
  level: string;
  /** The values of the chosen fields; "" for a line without one. */
  values: string[];
  message: string;
  /** The other fields, as logfmt. */
  others: string;
}

/** Which fields are columns, and how wide these are. */
export class FieldColumns {
  /** Whether lines are shown as columns. */
  on = false;
  /** Whether any line has a level. */
  levels = false;
  private readonly fields = new Map<string, Field>();
  private readonly parsed = new WeakMap<Line, Structured | { fields: null }>();
  private lines = 0;
  private structured = 0;
  private names: string[] = [];
  private byUser = false;
  private asked = false;

  /** Whether any line was JSON or logfmt. */
  get any(): boolean {
    return this.structured > 0;
  }

  /** The fields that may be columns, the most frequent first. */
  get known(): Field[] {
    return [...this.fields.values()].sort((one, other) => other.count - one.count);
  }

  /** The names of the fields that are columns. */
  get chosen(): readonly string[] {
    return this.names;
  }

  /** Shows columns, or plain lines. */
  toggle(): void {
    this.asked = true;
    this.on = !this.on;
  }

  /** Shows or hides the column of a field. */
  choose(name: string): void {
    this.byUser = true;
    const without = this.names.filter((one) => one !== name);
    this.names = without.length < this.names.length ? without : [...this.names, name];
  }

  /** The line's fields; null for lines that are neither JSON nor logfmt. */
  of(line: Line): Structured | null {
    let found = this.parsed.get(line);
    if (!found) {
      found = fieldsOf(line.text) ?? { fields: null };
      this.parsed.set(line, found);
      this.learn(line, found.fields);
    }
    return found.fields ? found : null;
  }

  private learn(line: Line, fields: ReadonlyMap<string, string> | null): void {
    this.lines++;
    if (levelOf(line.text)) this.levels = true;
    if (fields) this.structured++;
    for (const [name, value] of fields ?? []) {
      if (LEVELS.includes(name) || MESSAGES.includes(name) || TIMES.includes(name)) continue;
      const field = this.fields.get(name) ?? { name, count: 0, width: 0, wide: 0 };
      field.count++;
      if (value.length > WIDEST) field.wide++;
      else field.width = Math.max(field.width, value.length);
      if (this.fields.size < MAX_FIELDS) this.fields.set(name, field);
    }
    if (!this.byUser && this.structured <= SETTLED) {
      const usual = [...this.fields.values()].filter(
        (field) => fits(field) && field.count * 2 >= this.structured,
      );
      this.names = usual.slice(0, MAX_CHOSEN).map(({ name }) => name);
    }
    if (!this.asked && this.lines >= FIRST && this.lines <= DECIDED)
      this.on = this.structured >= this.lines * MOST;
  }

  /** What the columns show of a line. */
  cells(line: Line, { fields, rest }: Structured): Cells {
    const message = MESSAGES.find((name) => fields.has(name));
    const hidden = new Set([...LEVELS, ...this.names, ...(line.time ? TIMES : []), message]);
    const others = [...fields].filter(([name]) => !hidden.has(name));
    return {
      level: levelOf(line.text),
      values: this.names.map((name) => fields.get(name) ?? ''),
      message: [rest, message === undefined ? '' : (fields.get(message) ?? '')].filter(Boolean).join(' '),
      others: others
        .map(([name, value]) => `${name}=${/[\s"=]/.test(value) ? JSON.stringify(value) : value}`)
        .join(' '),
    };
  }

  /** The widths of the columns, for CSS. */
  get template(): string {
    const width = (name: string): number => {
      const field = this.fields.get(name);
      return Math.min(WIDEST, Math.max(name.length, !field || fits(field) ? (field?.width ?? 0) : WIDEST));
    };
    return `${this.levels ? '7ch ' : ''}${this.names.map((name) => `${width(name)}ch `).join('')}`;
  }
}

// a few values may be cut
function fits({ count, wide }: Field): boolean {
  return wide * 4 <= count;
}
