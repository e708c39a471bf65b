// The language of a table's filter box.
//
//   word  !word            in any cell, or not in any
//   /regex/  !/regex/      the same by regular expression
//   "two words"            a text with spaces
//   =word  !=word          a cell that is exactly this, or no such cell
//   status=word  status!=word  status~regex   in that column
//   restarts>3  age<10m    by number, size or age
//   -l app=web,tier!=db    labels, as kubectl's selectors: k=v, k!=v, k, !k, k in (a,b), k notin (a,b)
//
// All terms must match. Case does not matter except in labels, which are case-sensitive in Kubernetes.

/** What the filter looks at. */
export interface Filterable {
  /** The cells as shown, in lower case. */
  texts: readonly string[];
  /** The cells as they were sent. */
  cells: readonly (string | number | null)[];
  labels: Readonly<Record<string, string>>;
}

/** What the filter needs to know about a column. */
export interface FilterColumn {
  name: string;
  kind: string;
}

export type Test = (row: Filterable) => boolean;

/** The test that a text describes, or null if it is empty; `trouble` says what could not be parsed. */
export interface Filter {
  test: Test | null;
  trouble: string;
}

const TOKEN = /\s*((?:!?\/(?:\\.|[^/\\])*\/(?=\s|$))|(?:[^\s"]*"[^"]*"?)|\S+)/g;
const COMPARISON = /^([\p{L}_][\p{L}\p{N} _./-]*?)(!=|>=|<=|=|>|<|~)(.*)$/u;

/** Parses a filter. An invalid term matches every row and is reported in `trouble`. */
export function readFilter(text: string, columns: readonly FilterColumn[], now: () => number): Filter {
  const tests: Test[] = [];
  let trouble = '';
  const words = [...text.matchAll(TOKEN)].map((found) => found[1] ?? '');
  for (let index = 0; index < words.length; index++) {
    let word = words[index] ?? '';
    try {
      if (word === '-l' || word === '--selector') {
        const selector: string[] = [];
        while (
          index + 1 < words.length &&
          (!selector.length || continues(selector.join(' '), words[index + 1]))
        ) {
          selector.push(unquoted(words[++index] ?? ''));
        }
        tests.push(readSelector(selector.join(' ')));
      } else if (word.startsWith('-l') && word.length > 2) {
        word = unquoted(word.slice(2));
        tests.push(readSelector(word.startsWith('=') ? word.slice(1) : word));
      } else {
        const test = readWord(word, columns, now);
        if (test) tests.push(test);
      }
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
    }
  }
  if (!tests.length) return { test: null, trouble };
  return { test: (row) => tests.every((test) => test(row)), trouble };
}

// a set-based selector contains spaces: "app in (web, db)"
function continues(selector: string, next: string | undefined): boolean {
  if (next === undefined) return false;
  const open = selector.split('(').length > selector.split(')').length;
  return open || selector.endsWith(',') || /^(in|notin)\b/.test(next) || /\b(in|notin)$/.test(selector);
}

function unquoted(word: string): string {
  return word.replace(/"/g, '');
}

function readWord(word: string, columns: readonly FilterColumn[], now: () => number): Test | null {
  const negated = word.length > 1 && word.startsWith('!') && !word.startsWith('!=');
  const rest = negated ? word.slice(1) : word;
  const regex = /^\/(.*)\/$/.exec(rest);
  if (regex) {
    const pattern = new RegExp(regex[1] ?? '', 'iu');
    return (row) => row.texts.some((text) => pattern.test(text)) !== negated;
  }
  const exact = /^(!?=)(.+)$/.exec(word);
  if (exact) {
    const wanted = unquoted(exact[2] ?? '').toLowerCase();
    return (row) => row.texts.includes(wanted) === (exact[1] === '=');
  }
  const parts = COMPARISON.exec(rest);
  if (parts) {
    const [, name = '', operator = '', value = ''] = parts;
    const column = findColumn(columns, name);
    if (column >= 0 && value !== '') {
      const test = compare(column, columns[column]?.kind ?? 'text', operator, unquoted(value), now);
      return negated ? (row) => !test(row) : test;
    }
  }
  const needle = unquoted(rest).toLowerCase();
  if (needle === '' || needle === '!') return null;
  return (row) => row.texts.some((text) => text.includes(needle)) !== negated;
}

function findColumn(columns: readonly FilterColumn[], name: string): number {
  const wanted = name.toLowerCase();
  const exact = columns.findIndex((column) => column.name.toLowerCase() === wanted);
  if (exact >= 0 || wanted.length < 2) return exact;
  const near = columns.flatMap((column, index) =>
    column.name.toLowerCase().startsWith(wanted) ? [index] : [],
  );
  return near.length === 1 ? (near[0] ?? -1) : -1;
}

function compare(column: number, kind: string, operator: string, value: string, now: () => number): Test {
  const wanted = value.toLowerCase();
  if (operator === '=') return (row) => row.texts[column] === wanted;
  if (operator === '!=') return (row) => row.texts[column] !== wanted;
  if (operator === '~') {
    const pattern = new RegExp(value, 'iu');
    return (row) => pattern.test(row.texts[column] ?? '');
  }
  const limit = kind === 'age' ? readDuration(wanted) : kind === 'bytes' ? readSize(wanted) : Number(wanted);
  if (Number.isNaN(limit)) throw new Error(`${value} is not a ${kind === 'age' ? 'duration' : 'number'}`);
  return (row) => {
    const cell = row.cells[column];
    if (cell === null || cell === undefined || cell === '') return false;
    const number = kind === 'age' ? now() - Number(cell) : Number.parseFloat(String(cell));
    if (Number.isNaN(number)) return false;
    if (operator === '>') return number > limit;
    if (operator === '<') return number < limit;
    return operator === '>=' ? number >= limit : number <= limit;
  };
}

/** Seconds in "90", "10m", "1h30m", "2d"; NaN for anything else. */
export function readDuration(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!/^(\d+[smhdy])+$/.test(text)) return Number.NaN;
  const seconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, y: 31_536_000 };
  let total = 0;
  for (const part of text.matchAll(/(\d+)([smhdy])/g))
    total += Number(part[1]) * (seconds[part[2] ?? ''] ?? 0);
  return total;
}

/** Bytes in "512", "1.5MB", "2Gi"; NaN for anything else. */
export function readSize(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$/.exec(text);
  if (!parts) return Number.NaN;
  const power = ['', 'k', 'm', 'g', 't'].indexOf(parts[2] ?? '');
  return Number(parts[1]) * (parts[3] ? 1024 : 1000) ** power;
}

function readSelector(text: string): Test {
  const tests: Test[] = [];
  // commas separate the requirements, except inside parentheses
  for (const part of text.split(/,(?![^(]*\))/)) {
    const requirement = part.trim();
    if (!requirement) continue;
    const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(requirement);
    const equal = /^([^=!\s()]+)\s*(!=|==?)\s*([\w.-]*)$/.exec(requirement);
    const bare = /^(!?)([^=!\s()]+)$/.exec(requirement);
    if (set) {
      const [, key = '', operator, list = ''] = set;
      const values = list.split(',').map((value) => value.trim());
      tests.push(({ labels }) => values.includes(labels[key] ?? '\0') === (operator === 'in'));
    } else if (equal) {
      const [, key = '', operator, value = ''] = equal;
      tests.push(({ labels }) => (labels[key] === value) === (operator !== '!='));
    } else if (bare) {
      tests.push(({ labels }) => Object.hasOwn(labels, bare[2] ?? '') === (bare[1] !== '!'));
    } else {
      throw new Error(`-l ${requirement} is not a label selector`);
    }
  }
  return (row) => tests.every((test) => test(row));
}
