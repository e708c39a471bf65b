// What the word at the cursor means in a Dockerfile, as the kernel says it (nbcontainer/language/hover.py).

import { placeOf, type Place } from './dockerfile_complete';
import { directiveOf, escapeOf, parts, roleOf, splitWords } from './dockerfile_lines';
import { Scope } from './dockerfile_scope';
import words from './words.json';

export interface Meaning {
  /** The word whose help explains it: "COPY", "COPY --from", "# syntax", "--mount=type=cache", or "". */
  word: string;
  /** A variable's value. */
  says: string;
}

const HELP = new Map<string, string>([
  ...words.dockerfile.instructions.flatMap(({ name, detail, flags }) => [
    [name, detail] as [string, string],
    ...flags.map((flag) => [`${name} --${flag.name}`, flag.detail] as [string, string]),
  ]),
  ...words.dockerfile.directives.map(({ name, detail }) => [`# ${name}`, detail] as [string, string]),
  ...words.dockerfile.mountTypes.map(
    ({ name, detail }) => [`--mount=type=${name}`, detail] as [string, string],
  ),
]);

/** One sentence on a meaning. */
export function sentence({ word, says }: Meaning): string {
  return says || (HELP.get(word) ?? '');
}

/** What the word between `above` and `after`, the rest of the line, means; null if it says all by itself. */
export function meaningAt(above: string, after: string): Meaning | null {
  const place = placeOf(above, after);
  const current = place.here + after;
  const column = place.here.length;
  const [heredoc] = place.lines.heredocs;
  if (place.role === 'heredoc' && heredoc) {
    const name = parts(place.statements.at(-1) ?? '').names.at(-1) ?? '';
    return name === 'RUN' || heredoc.expands ? variable(place, current, column, name) : null;
  }
  if (current.trimStart().startsWith('#')) {
    const found = /^(\s*#\s*)(\w+)\s*=/.exec(current);
    const start = found?.[1]?.length ?? 0;
    const isNamed = found && start <= column && column <= start + (found[2] ?? '').length;
    if (!isNamed || roleOf(place.lines, current) !== 'directive') return null;
    return { word: `# ${directiveOf(current)?.[0]}`, says: '' };
  }
  return inInstruction(place, place.before + after, place.before.length);
}

function inInstruction(place: Place, whole: string, position: number): Meaning | null {
  const { names } = parts(`${whole} `);
  const tokens = splitWords(whole, escapeOf(place.lines));
  const index = tokens.findIndex(({ start, end }) => start <= position && position <= end);
  const token = tokens[index];
  const name = names.at(-1);
  if (!token || name === undefined) return null;
  const leading = names[index];
  if (leading !== undefined) return HELP.has(leading) ? { word: leading, says: '' } : null;
  const at = position - token.start;
  const found = variable(place, token.text, at, name);
  if (found) return found;
  const isFlag = tokens.slice(names.length, index + 1).every(({ text }) => text.startsWith('--'));
  return isFlag ? flag(name, token.text, at) : null;
}

function flag(instruction: string, text: string, at: number): Meaning | null {
  const name = text.split('=', 1)[0] ?? '';
  const word = `${instruction} ${name}`;
  if (!HELP.has(word)) return null;
  if (at <= name.length) return { word, says: '' };
  const found = name === '--mount' ? /(?<=[=,])type=\w+/.exec(text) : null;
  if (!found || at < found.index || at > found.index + found[0].length) return null;
  const type = `--mount=${found[0]}`;
  return HELP.has(type) ? { word: type, says: '' } : null;
}

function variable(place: Place, text: string, at: number, instruction: string): Meaning | null {
  const escape = escapeOf(place.lines);
  for (const found of text.matchAll(/\$(?:(\w+)|\{(\w+)[^}]*\}?)/g)) {
    if (at < found.index || at > found.index + found[0].length || text[found.index - 1] === escape) continue;
    const known = new Scope(place.statements, escape).variables(instruction === 'FROM');
    const one = known.get(found[1] ?? found[2] ?? '');
    if (!one) return null;
    return { word: '', says: `${one.name}${one.value === null ? '' : `=${one.value}`} (${one.origin})` };
  }
  return null;
}
