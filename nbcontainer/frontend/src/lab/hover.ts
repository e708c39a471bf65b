// Tooltips for a Dockerfile's instructions, flags and variables and for our magics' flags, without asking the kernel.

import { hoverTooltip } from '@codemirror/view';
import { make } from '../elements';
import { meaningAt, sentence } from './dockerfile_hover';
import { named } from './verbs';

/** The help for the word at `offset` of a cell's `text`; empty if it is not ours. */
export function meaning(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const rest = /^[^\n]*/.exec(text.slice(offset))?.[0] ?? '';
  const lineStart = before.lastIndexOf('\n') + 1;
  const magic = /^\s*%%?(\w+)\s+(.*)/.exec(before.slice(lineStart) + rest);
  if (magic) {
    const { flags, shared } = named(magic[1] ?? '', (magic[2] ?? '').split(/\s+/));
    const word = wordAt(before, rest);
    return (flags ?? shared).find((flag) => flag.name === word)?.detail ?? '';
  }
  const head = /^\s*%%dockerfile(?!\w)[^\n]*\n/.exec(text);
  if (!head || offset < head[0].length) return '';
  const found = meaningAt(before.slice(head[0].length), rest);
  return found ? sentence(found) : '';
}

function wordAt(before: string, rest: string): string {
  return (/[\w-]*$/.exec(before)?.[0] ?? '') + (/^[\w-]*/.exec(rest)?.[0] ?? '');
}

export const hoverHelp = hoverTooltip((view, position) => {
  const line = view.state.doc.lineAt(position);
  const before = /[\w-]*$/.exec(line.text.slice(0, position - line.from))?.[0] ?? '';
  const after = /^[\w-]*/.exec(line.text.slice(position - line.from))?.[0] ?? '';
  if (!before && !after) return null;
  const text = meaning(view.state.doc.sliceString(0, line.to), position);
  if (!text) return null;
  const dom = make('div', { class: 'nbc-meaning', style: 'padding: 3px 8px; max-width: 60ch' }, text);
  return {
    pos: position - before.length,
    end: position + after.length,
    above: true,
    create: () => ({ dom }),
  };
});
