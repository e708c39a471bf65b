// Underlines the problems of a Dockerfile, with their fixes. The kernel finds them; as long as it does not answer, only
// what cannot be an instruction is underlined.

import {
  forEachDiagnostic,
  lintKeymap,
  linter,
  setDiagnostics,
  type Action,
  type Diagnostic,
} from '@codemirror/lint';
import { EditorView, keymap } from '@codemirror/view';
import { make } from '../elements';
import { LINTED } from '../strings';
import { problemsOf, type Edit, type Problem } from './problems';
import { escapeOf, read, start } from './dockerfile_lines';
import words from './words.json';

const INSTRUCTIONS = words.dockerfile.instructions.map((instruction) => instruction.name);
const DELAY = 500; // milliseconds after the last key
const PATIENCE = 300; // milliseconds for the kernel to answer, before something is shown without it

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
  const lines = start();
  const strict = !/^\s*#\s*syntax\s*=/im.test(text); // another frontend may know more words
  text.split('\n').forEach((line, index) => {
    const from = position;
    position += line.length + 1;
    if (index === 0 && /^\s*%%/.test(line)) return;
    const { open } = lines;
    if (read(lines, line) !== 'instruction' || open) return;
    const [, blanks = '', word = ''] = /^(\s*)(\S+)/.exec(line) ?? [];
    if (!word.endsWith(escapeOf(lines))) check(found, from + blanks.length, word, strict);
  });
  return found;
}

function check(found: Diagnostic[], from: number, word: string, strict: boolean): void {
  const name = word.toUpperCase();
  if (INSTRUCTIONS.includes(name) || word.includes('{{')) return;
  const near = INSTRUCTIONS.map((known) => ({ known, far: distance(name, known) })).sort(
    (a, b) => a.far - b.far,
  )[0];
  const hint = near && near.far <= 2 ? ` Did you mean ${near.known}?` : ''; // as the kernel says it
  found.push({
    from,
    to: from + word.length,
    severity: strict ? 'error' : 'warning',
    message: `unknown instruction: ${word}.${hint}`,
  });
}

/** What the kernel has said about a text. */
const answers = new WeakMap<EditorView, { text: string; found: Diagnostic[] }>();

async function source(view: EditorView): Promise<Diagnostic[]> {
  const text = view.state.doc.toString();
  const known = answers.get(view);
  if (known?.text === text) return withoutUnfinished(view, known.found);
  const again = () => void source(view).then((found) => showLate(view, text, found));
  const answer = problemsOf(view.dom, text, again).then((problems) => {
    if (!problems) return null;
    const found = asDiagnostics(problems, text);
    answers.set(view, { text, found });
    return found;
  });
  const early = await Promise.race([answer, new Promise<undefined>((done) => setTimeout(done, PATIENCE))]);
  if (early === undefined) void answer.then((found) => found && showLate(view, text, found));
  return withoutUnfinished(view, early ?? faults(text));
}

function showLate(view: EditorView, text: string, found: Diagnostic[]): void {
  if (view.dom.isConnected && view.state.doc.toString() === text)
    view.dispatch(setDiagnostics(view.state, withoutUnfinished(view, found)));
}

/** All but the error of the word that is being typed. */
function withoutUnfinished(view: EditorView, found: Diagnostic[]): Diagnostic[] {
  const { head } = view.state.selection.main;
  return found.filter(({ from, to, severity }) => severity !== 'error' || head < from || head > to);
}

/** What the fix of a problem replaces: offsets from where the problem begins, since both may have moved. */
interface Change extends Edit {
  old: string;
}

const changes = new WeakMap<Diagnostic, Change[]>();

function asDiagnostics(problems: Problem[], text: string): Diagnostic[] {
  const fixes = problems.filter(({ fix }) => fix).length;
  const all: Action[] = fixes > 1 ? [{ name: LINTED.fixAll(fixes), apply: fixAll }] : [];
  return problems.map(({ from, to, severity, message, rule, link, fix }) => {
    const change = (fix?.edits ?? []).map((edit) => ({
      from: edit.from - from,
      to: edit.to - from,
      text: edit.text,
      old: text.slice(edit.from, edit.to),
    }));
    const found: Diagnostic = {
      from,
      to,
      severity,
      message,
      ...(link && { renderMessage: () => withLink(message, rule, link) }),
      actions: fix
        ? [{ name: fix.title, apply: (view, now) => replace(view, moved(view, change, now)) }, ...all]
        : [],
    };
    changes.set(found, change);
    return found;
  });
}

/** A change where its problem is now; nothing if what it replaces is not there any more. */
function moved(view: EditorView, change: Change[], start: number): Edit[] {
  const { doc } = view.state;
  const now = change.map((one) => ({ ...one, from: start + one.from, to: start + one.to }));
  const there = now.every(
    ({ from, to, old }) => from >= 0 && to <= doc.length && doc.sliceString(from, to) === old,
  );
  return there ? now : [];
}

/** Make the first fix at the cursor, or else in its line. */
function fixHere(view: EditorView): boolean {
  const { head } = view.state.selection.main;
  const line = view.state.doc.lineAt(head);
  const near: { here: boolean; edits: Edit[] }[] = [];
  forEachDiagnostic(view.state, (found, from, to) => {
    const edits = to < line.from || from > line.to ? [] : moved(view, changes.get(found) ?? [], from);
    if (edits.length) near.push({ here: from <= head && head <= to, edits });
  });
  const chosen = near.find(({ here }) => here) ?? near[0];
  if (chosen) replace(view, chosen.edits);
  return chosen !== undefined;
}

/** Make all fixes but those that overlap an earlier one. */
function fixAll(view: EditorView): void {
  const kept: Edit[] = [];
  forEachDiagnostic(view.state, (found, from) => {
    const edits = moved(view, changes.get(found) ?? [], from);
    if (!edits.some((one) => kept.some((other) => one.from < other.to && other.from < one.to)))
      kept.push(...edits);
  });
  replace(view, kept);
}

function replace(view: EditorView, edits: Edit[]): void {
  view.dispatch({
    changes: edits.map(({ from, to, text }) => ({ from, to, insert: text })),
    userEvent: 'input.fix',
  });
}

function withLink(message: string, rule: string, link: string): Node {
  const more = make('a', { href: link, target: '_blank', rel: 'noopener' }, rule);
  return make('span', {}, `${message} `, more);
}

const looks = EditorView.theme({
  '.cm-tooltip-lint': { maxWidth: '70ch' },
  '.cm-diagnostic a': { color: 'var(--jp-content-link-color)' },
  '.cm-diagnosticAction': {
    background: 'var(--jp-layout-color2)',
    border: '1px solid var(--jp-border-color1)',
    color: 'var(--jp-ui-font-color1)',
    cursor: 'pointer',
    margin: '4px 8px 2px 0',
    textAlign: 'start',
  },
  '.cm-panel.cm-panel-lint ul li': { color: 'var(--jp-ui-font-color1)' },
  '.cm-panel.cm-panel-lint ul li .cm-diagnosticAction': { marginInlineStart: '8px' },
  '.cm-panel.cm-panel-lint ul [aria-selected]': { background: 'var(--jp-layout-color3)' },
  '.cm-panel.cm-panel-lint ul [aria-selected] .cm-diagnostic a': { color: 'inherit' },
});

export const lintDockerfile = [
  linter(source, {
    delay: DELAY,
    needsRefresh: ({ selectionSet, docChanged }) => selectionSet && !docChanged,
  }),
  keymap.of([...lintKeymap, { key: 'Mod-.', run: fixHere }]),
  looks,
];
