// Reads a Dockerfile that is being written, line by line, as the kernel does (nbcontainer/language/cursor.py): the only
// place of the page that knows where instructions, comments and heredocs begin and end. tests/language/positions.json
// runs through both.

import words from './words.json';

export type Role = 'directive' | 'comment' | 'blank' | 'heredoc' | 'instruction';

const DIRECTIVES = new Set(words.dockerfile.directives.map(({ name }) => name));
const WITH_HEREDOCS = new Set(['RUN', 'COPY', 'ADD']);

export interface Heredoc {
  name: string;
  /** `<<-`: tabs before the end are ignored. */
  tabs: boolean;
  /** Variables in it are expanded. */
  expands: boolean;
}

export interface Word {
  text: string;
  start: number;
  end: number;
}

/** The words of a text as written, with their places; quotes and escapes keep blanks together. */
export function splitWords(text: string, escape: string): Word[] {
  const token = escape === '`' ? '`' : '\\\\';
  const word = new RegExp(
    `(?:"(?:${token}[^]|[^"${token}])*"?|'[^']*'?|${token}[^]?|[^\\s"'${token}])+`,
    'g',
  );
  return [...text.matchAll(word)].map((found) => ({
    text: found[0],
    start: found.index,
    end: found.index + found[0].length,
  }));
}

/** An instruction's words in capitals, ONBUILD's and its trigger's, and where in the text its arguments begin. */
export function parts(text: string): { names: string[]; start: number } {
  const names: string[] = [];
  const next = /\s*(\S+)\s+/y;
  let start = 0;
  while (names.length === 0 || (names.length === 1 && names[0] === 'ONBUILD')) {
    next.lastIndex = start;
    const found = next.exec(text);
    if (!found) break;
    names.push((found[1] ?? '').toUpperCase());
    start = next.lastIndex;
  }
  return { names, start };
}

export function directiveOf(line: string): [string, string] | null {
  const found = /^\s*#\s*([A-Za-z][A-Za-z0-9]*)\s*=(.*)$/.exec(line);
  const name = found?.[1]?.toLowerCase() ?? '';
  return DIRECTIVES.has(name) ? [name, found?.[2]?.trim() ?? ''] : null;
}

/** Where a line's escape character is, if the line is continued by it; -1 if it is not. */
export function continuedAt(line: string, escape: string): number {
  let end = line.length - 1;
  while (line[end] === ' ' || line[end] === '\t') end--;
  return line[end] === escape && line[end - 1] !== escape ? end : -1;
}

/** What is known after some lines; its fields are replaced, never changed, so that a copy is cheap. */
export interface LinesState {
  directives: Record<string, string>;
  /** Directives may still come. */
  head: boolean;
  /** The last instruction goes on in the next line. */
  open: boolean;
  /** The last instruction, without the escape characters at the ends of its lines. */
  current: string;
  /** Those that the next lines belong to, once the instruction is finished. */
  heredocs: Heredoc[];
  /** No line is read yet. */
  first: boolean;
}

export function start(): LinesState {
  return { directives: {}, head: true, open: false, current: '', heredocs: [], first: true };
}

export function escapeOf(state: LinesState): string {
  return state.directives.escape ?? '\\';
}

/** What a line after those that are read is. */
export function roleOf(state: LinesState, line: string): Role {
  if (state.heredocs.length && !state.open) return 'heredoc';
  const bare = line.trimStart();
  if (bare.startsWith('#')) return state.head && directiveOf(line) ? 'directive' : 'comment';
  return bare ? 'instruction' : 'blank';
}

/** Read the next line. `finished` is called with each instruction that it finishes. */
export function read(state: LinesState, line: string, finished?: (text: string) => void): Role {
  const role = roleOf(state, line);
  const [heredoc] = state.heredocs;
  if (role === 'heredoc' && heredoc) {
    if ((heredoc.tabs ? line.replace(/^\t+/, '') : line) === heredoc.name)
      state.heredocs = state.heredocs.slice(1);
    return role;
  }
  if (role === 'directive') {
    const [name, value] = directiveOf(line) ?? ['', ''];
    if (name !== 'escape' || value === '\\' || value === '`')
      state.directives = { [name]: value, ...state.directives }; // the first counts
  } else if (!(state.first && line.startsWith('#!'))) state.head = false;
  state.first = false;
  if (role !== 'instruction') return role;
  const end = continuedAt(line, escapeOf(state));
  state.current = (state.open ? state.current : '') + (end < 0 ? line : line.slice(0, end));
  state.open = end >= 0;
  if (!state.open) {
    if (state.current.includes('<<')) state.heredocs = opened(state.current, escapeOf(state));
    finished?.(state.current);
  }
  return role;
}

function opened(text: string, escape: string): Heredoc[] {
  const { names, start } = parts(text);
  if (!WITH_HEREDOCS.has(names.at(-1) ?? '') || /^\s*\[/.test(text.slice(start))) return [];
  return splitWords(text.slice(start), escape).flatMap(({ text: word }) => {
    const found = heredocOf(word, escape);
    return found ? [found] : [];
  });
}

/** The heredoc that a word begins. */
export function heredocOf(word: string, escape: string): Heredoc | null {
  const found = /^\d*<<(-?)([^<]+)$/.exec(word);
  const written = found?.[2] ?? '';
  const name = written.replace(escape === '`' ? /["']|`(?=.)/g : /["']|\\(?=.)/g, '');
  return found ? { name, tabs: found[1] === '-', expands: name === written } : null;
}
