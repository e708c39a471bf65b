// Completion of static words in the page: it works while the kernel is busy, and JupyterLab merges it with what only
// the kernel knows (stages, images, files).

import { isOurs, named, type Flag } from './verbs';
import words from './words.json';

export interface Word {
  label: string;
  type: string;
  documentation: string;
}

export interface Completion {
  start: number;
  end: number;
  items: Word[];
}

const INSTRUCTIONS = new Map(
  words.dockerfile.instructions.map((instruction) => [instruction.name, instruction]),
);

/** The completions at `offset` of a cell's `text`; null if none are ours. */
export function complete(text: string, offset: number): Completion | null {
  const before = text.slice(0, offset);
  const lines = before.replace(/^\s*(?=%%)/, '').split('\n');
  const line = lines.at(-1) ?? '';
  const magic = /^%%(\w+)/.exec(lines[0] ?? '')?.[1] ?? /^\s*%(\w+)\s/.exec(line)?.[1] ?? '';
  if (!isOurs(magic)) return null;
  if (lines.length === 1 || !lines[0]?.startsWith('%%')) return magicLine(magic, line, offset);
  return magic === 'dockerfile' ? dockerfileLine(lines, line, offset) : null;
}

function fitting(items: Word[], fragment: string, offset: number, exact = true): Completion | null {
  const wanted = exact ? fragment : fragment.toUpperCase();
  const found = items.filter((item) => item.label.startsWith(wanted) && item.label !== fragment);
  return found.length ? { start: offset - fragment.length, end: offset, items: found } : null;
}

function magicLine(magic: string, line: string, offset: number): Completion | null {
  const [, ...rest] = line.trimStart().split(/\s+/);
  const fragment = rest.pop();
  if (fragment === undefined) return null;
  const { flags: own, next, shared } = named(magic, rest);
  if (!own && !fragment.startsWith('-')) return fitting(asWords(next, 'verb'), fragment, offset);
  const flags = own ?? shared;
  const last = rest.at(-1);
  const values = flags.find((flag) => flag.name === last)?.values ?? [];
  if (values.length) return fitting(asWords(values), fragment, offset);
  return fragment.startsWith('-') ? fitting(asFlags(flags), fragment, offset) : null;
}

function dockerfileLine(lines: string[], line: string, offset: number): Completion | null {
  const directive = /^#\s*(\w*)$/.exec(line);
  if (directive && lines.slice(1, -1).every((above) => above.startsWith('#'))) {
    const names = words.dockerfile.directives.map((name) => ({
      label: `${name}=`,
      type: 'keyword',
      documentation: '',
    }));
    return fitting(names, directive[1] ?? '', offset);
  }
  const logical = logicalLine(lines);
  if (logical === null) return null;
  const first = /^\s*(?:ONBUILD\s+)?([A-Za-z]*)$/i.exec(logical);
  if (first) {
    const names = [...INSTRUCTIONS.values()].map((instruction) => ({
      label: instruction.name,
      type: 'keyword',
      documentation: instruction.detail,
    }));
    return fitting(names, first[1] ?? '', offset, false);
  }
  const [, name = '', rest = ''] = /^\s*(?:ONBUILD\s+)?([A-Za-z]+)\s+(.*)$/is.exec(logical) ?? [];
  // flags come before everything else
  const instruction = INSTRUCTIONS.get(name.toUpperCase());
  const flags = /^(?:--\S+\s+)*(\S*)$/.exec(rest);
  if (!instruction || !flags) return null;
  const fragment = flags[1] ?? '';
  const value = /^--([\w-]+)=(\S*)$/.exec(fragment);
  if (value) {
    const known = instruction.flags.find((flag) => flag.name === value[1])?.values ?? [];
    if (value[1] === 'mount') return mount(value[2] ?? '', offset);
    if (value[1] === 'from') return fitting(asWords(stages(lines), 'stage'), value[2] ?? '', offset);
    return fitting(asWords(known), value[2] ?? '', offset);
  }
  if (!fragment.startsWith('-')) return null;
  const named = instruction.flags.map((flag) => ({
    name: `--${flag.name}${flag.kind === 'switch' ? '' : '='}`,
    detail: flag.detail,
    values: [],
  }));
  return fitting(asFlags(named), fragment, offset);
}

/** The names of earlier stages: the last FROM above the cursor starts the cursor's own stage. */
function stages(lines: string[]): string[] {
  const earlier = lines.filter((line) => /^\s*FROM\s/i.test(line)).slice(0, -1);
  return earlier.flatMap((line) => /\sAS\s+(\S+)\s*$/i.exec(line)?.[1] ?? []);
}

/** The keys and values of `RUN --mount=…`. */
function mount(text: string, offset: number): Completion | null {
  const fields = text.split(',');
  const last = fields.at(-1) ?? '';
  const type = fields.find((field) => field.startsWith('type='))?.slice('type='.length) ?? 'bind';
  const [key, value] = last.split('=');
  if (value !== undefined) {
    if (key === 'type') return fitting(asWords(words.dockerfile.mountTypes), value, offset);
    return key === 'sharing' ? fitting(asWords(words.dockerfile.sharing), value, offset) : null;
  }
  const keys: Record<string, string[]> = words.dockerfile.mountKeys;
  const all = ['type', ...(keys[type] ?? [])].map((name) => `${name}=`);
  return fitting(asWords(all), last, offset);
}

/** The instruction up to the cursor, with continued lines joined; null inside a heredoc or a comment. */
function logicalLine(lines: string[]): string | null {
  let logical = '';
  let continued = false;
  let heredocs: RegExpMatchArray[] = [];
  for (const line of lines.slice(1)) {
    const heredoc = heredocs[0];
    if (heredoc && !continued) {
      if ((heredoc[1] === '-' ? line.replace(/^\t+/, '') : line) === heredoc[3]) heredocs = heredocs.slice(1);
      logical = '';
      continue;
    }
    if (/^\s*#/.test(line)) continue;
    logical = continued ? `${logical} ${line}` : line;
    continued = /[\\`]\s*$/.test(line);
    if (continued) logical = logical.replace(/[\\`]\s*$/, '');
    else if (/^\s*(RUN|COPY|ADD)\s/i.test(logical)) {
      heredocs = [...logical.matchAll(/<<(-?)(["']?)([A-Za-z_][\w.]*)\2/g)];
    }
  }
  const last = lines.at(-1) ?? '';
  const openHeredoc = heredocs.length > 0 && !last.includes('<<');
  return openHeredoc || /^\s*#/.test(last) ? null : logical;
}

function asWords(values: string[], type = 'value'): Word[] {
  return values.map((label) => ({ label, type, documentation: '' }));
}

function asFlags(flags: Flag[]): Word[] {
  return flags.map((flag) => ({ label: flag.name, type: 'flag', documentation: flag.detail }));
}
