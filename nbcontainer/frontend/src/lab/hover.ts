// Tooltips for a Dockerfile's instructions and flags and for our magics' flags, without asking the kernel.

import { hoverTooltip } from '@codemirror/view';
import { make } from '../elements';
import { named } from './verbs';
import words from './words.json';

const INSTRUCTIONS = new Map(words.dockerfile.instructions.map((found) => [found.name, found]));

/** The help for `word`, which starts at `column` of the last of `lines`; empty if it is not ours. */
export function meaning(lines: string[], column: number, word: string): string {
  const line = lines.at(-1) ?? '';
  const magic = /^\s*%%?(\w+)\s+(.*)/.exec(line);
  if (magic) {
    const { flags, shared } = named(magic[1] ?? '', (magic[2] ?? '').split(/\s+/));
    return (flags ?? shared).find((flag) => flag.name === word)?.detail ?? '';
  }
  if (!/^\s*%%dockerfile(?!\w)/.test(lines[0] ?? '')) return '';
  const first = /^\s*(?:ONBUILD\s+)?([A-Za-z]+)/i.exec(instructionLine(lines));
  const instruction = INSTRUCTIONS.get(first?.[1]?.toUpperCase() ?? '');
  if (word.startsWith('--')) {
    return instruction?.flags.find((flag) => `--${flag.name}` === word)?.detail ?? '';
  }
  const leads =
    line
      .slice(0, column)
      .trim()
      .replace(/^ONBUILD$/i, '') === '';
  return leads ? (INSTRUCTIONS.get(word.toUpperCase())?.detail ?? '') : '';
}

/** The line on which the last line's instruction starts. */
function instructionLine(lines: string[]): string {
  let at = lines.length - 1;
  while (at > 1 && /[\\`]\s*$/.test(lines[at - 1] ?? '')) at -= 1;
  return lines[at] ?? '';
}

export const hoverHelp = hoverTooltip((view, position) => {
  const line = view.state.doc.lineAt(position);
  const before = /[\w-]*$/.exec(line.text.slice(0, position - line.from))?.[0] ?? '';
  const after = /^[\w-]*/.exec(line.text.slice(position - line.from))?.[0] ?? '';
  const from = position - before.length;
  const lines = view.state.doc.sliceString(0, line.to).split('\n');
  const text = meaning(lines, from - line.from, before + after);
  if (!text) return null;
  const dom = make('div', { class: 'nbc-meaning', style: 'padding: 3px 8px; max-width: 60ch' }, text);
  return { pos: from, end: position + after.length, above: true, create: () => ({ dom }) };
});
