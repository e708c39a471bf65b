// Completion of static words in the page: it works while the kernel is busy, and JupyterLab merges it with what only
// the kernel knows (stages, images, files).

import { asWords, completeDockerfile, placeOf, type Word } from './dockerfile_complete';
import { isOurs, named, type Flag } from './verbs';

export interface Completion {
  start: number;
  end: number;
  items: Word[];
}

/** The completions at `offset` of a cell's `text`; null if none are ours. */
export function complete(text: string, offset: number): Completion | null {
  const lead = /^\s*(?=%%)/.exec(text)?.[0].length ?? 0;
  const before = text.slice(lead, offset);
  const line = before.slice(before.lastIndexOf('\n') + 1);
  const head = /^%%(\w+)[^\n]*\n?/.exec(before);
  const magic = head?.[1] ?? /^\s*%(\w+)\s/.exec(line)?.[1] ?? '';
  if (!isOurs(magic)) return null;
  if (!head?.[0].endsWith('\n')) return magicLine(magic, line, offset);
  return magic === 'dockerfile' ? inDockerfile(before.slice(head[0].length), text, offset) : null;
}

function inDockerfile(above: string, text: string, offset: number): Completion | null {
  const after = /^[^\n]*/.exec(text.slice(offset))?.[0] ?? '';
  const { length, items } = completeDockerfile(placeOf(above, after));
  return items.length ? { start: offset - length, end: offset, items } : null;
}

function fitting(items: Word[], fragment: string, offset: number): Completion | null {
  const found = items.filter((item) => item.label.startsWith(fragment) && item.label !== fragment);
  return found.length ? { start: offset - fragment.length, end: offset, items: found } : null;
}

function magicLine(magic: string, line: string, offset: number): Completion | null {
  const [, ...rest] = line.trimStart().split(/\s+/);
  const fragment = rest.pop();
  if (fragment === undefined) return null;
  const { flags: own, next, shared } = named(magic, rest);
  if (!own && !fragment.startsWith('-')) return fitting(asWords(next, 'verb'), fragment, offset);
  const flags = own ?? shared;
  const [, name = rest.at(-1) ?? '', value = fragment] = /^(--[\w-]+)=(.*)$/.exec(fragment) ?? [];
  const values = flags.find((flag) => flag.name === name)?.values ?? [];
  if (values.length) return fitting(asWords(values), value, offset);
  return fragment.startsWith('-') ? fitting(asFlags(flags), fragment, offset) : null;
}

function asFlags(flags: Flag[]): Word[] {
  return flags.map((flag) => ({ label: flag.name, type: 'flag', documentation: flag.detail }));
}
