// Underlines what cannot be an instruction. Deeper checks are the kernel's; this one works without it.

import { linter, type Diagnostic } from '@codemirror/lint';
import words from './words.json';

const INSTRUCTIONS = words.dockerfile.instructions.map((instruction) => instruction.name);
const DELAY = 500; // milliseconds after the last key

/** The number of letters to change to turn one word into the other (Levenshtein). */
function distance(left: string, right: string): number {
  let row = [...Array(right.length + 1).keys()];
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const changed = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, changed));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

/** Unknown instructions of a cell, each with the one that was probably meant. */
export function faults(text: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  let position = 0;
  let continued = false;
  let escape = '\\';
  let heredocs: RegExpMatchArray[] = [];
  const strict = !/^\s*#\s*syntax\s*=/im.test(text); // another frontend may know more words
  text.split('\n').forEach((line, index) => {
    const start = position;
    position += line.length + 1;
    if (index === 0 && /^\s*%%/.test(line)) return;
    const heredoc = heredocs[0];
    if (heredoc && !continued) {
      if ((heredoc[1] === '-' ? line.replace(/^\t+/, '') : line) === heredoc[3]) heredocs = heredocs.slice(1);
      return;
    }
    if (/^\s*#/.test(line)) {
      escape = /^\s*#\s*escape\s*=\s*([\\`])/i.exec(line)?.[1] ?? escape;
      return;
    }
    if (!line.trim()) return;
    const word = /^(\s*)([^\s]+)/.exec(line);
    if (!continued && word) check(found, start + (word[1]?.length ?? 0), word[2] ?? '', strict);
    if (/^\s*(RUN|COPY|ADD)\s/i.test(line) || continued) {
      heredocs = [...heredocs, ...line.matchAll(/<<(-?)(["']?)([A-Za-z_][\w.]*)\2/g)];
    }
    continued = line.trimEnd().endsWith(escape);
  });
  return found;
}

function check(found: Diagnostic[], from: number, word: string, strict: boolean): void {
  const name = word.toUpperCase();
  if (INSTRUCTIONS.includes(name) || word.includes('{{')) return;
  const near = INSTRUCTIONS.map((known) => ({ known, far: distance(name, known) })).sort(
    (a, b) => a.far - b.far,
  )[0];
  const hint = near && near.far <= 2 ? ` Did you mean ${near.known}?` : '';
  found.push({
    from,
    to: from + word.length,
    severity: strict ? 'error' : 'warning',
    message: `Unknown instruction ${word}.${hint}`,
  });
}

export const lintDockerfile = linter(
  (view) => {
    const cursor = view.state.selection.main.head;
    // skip the word that is being typed
    return faults(view.state.doc.toString()).filter((fault) => cursor < fault.from || cursor > fault.to);
  },
  { delay: DELAY },
);
