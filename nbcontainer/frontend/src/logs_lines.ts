// One line of a log: its time, its source, and its text or, as columns, its fields.

import { draw, visible } from './ansi';
import { make, setText } from './elements';
import type { FieldColumns, Structured } from './logs_fields';
import { levelOf } from './logs_levels';
import type { Line, LogStore } from './logs_store';
import { LOG } from './strings';

const COLOURS = 8;
const WIDEST_NAME = 26; // characters of a source's name

/** What all lines are drawn with. */
export interface Look {
  times: boolean;
  /** Whether each line names its source. */
  several: boolean;
  columns: FieldColumns;
  /** What is marked in them. */
  pattern: RegExp | null;
}

/** The widths of a line's parts, for CSS. */
export function templateOf({ times, several, columns }: Look, store: LogStore): string {
  let longest = 0;
  if (several) for (const name of store.sources.keys()) longest = Math.max(longest, shorten(name).length);
  const fields = columns.on ? columns.template : '';
  return `${times ? '12.5ch ' : ''}${several ? `${longest + 0.5}ch ` : ''}${fields}minmax(0, 1fr)`;
}

/** The names of the columns, as parts of a line of their own. */
export function headOf({ times, several, columns }: Look): HTMLElement[] {
  const names = [
    ...(times ? [LOG.columnTime] : []),
    ...(several ? [LOG.columnSource] : []),
    ...(columns.levels ? [LOG.columnLevel] : []),
    ...columns.chosen,
    LOG.columnMessage,
  ];
  return names.map((name) => make('span', { title: visible(name) }, visible(name)));
}

/** Draws a line; without one, that it is still to come. With `raw`, its text stands below its columns. */
export function drawLine(
  host: HTMLElement,
  line: Line | undefined,
  notes: string[] | undefined,
  look: Look,
  raw: boolean,
): void {
  const parts = remarks(notes);
  if (look.times) {
    const time = make('span', { class: 'nbc-dim' }, line?.time ? clock(line.time) : '');
    if (line?.time) time.title = new Date(line.time * 1000).toISOString();
    parts.push(time);
  }
  if (look.several) {
    const name = make('span', { class: `nbc-source nbc-s${colourOf(line?.source ?? '')}` });
    setText(name, shorten(line?.source ?? ''));
    name.title = visible(line?.source ?? '');
    parts.push(name);
  }
  const structured = line && look.columns.of(line);
  if (line && structured && look.columns.on) parts.push(...cells(line, structured, look, raw));
  else parts.push(...plain(line, look));
  host.replaceChildren(...parts);
}

function plain(line: Line | undefined, { times, several, pattern, columns }: Look): HTMLElement[] {
  const level = line ? levelOf(line.text) : '';
  const text = textOf(line, level);
  if (line) draw(text, line.text, pattern);
  else text.textContent = '…';
  if (!columns.on) return [text];
  const before = Number(times) + Number(several) + Number(columns.levels);
  text.style.gridColumn = `${before + 1} / -1`;
  return [...levelCell(level, columns), text];
}

function cells(line: Line, structured: Structured, { pattern, columns }: Look, raw: boolean): HTMLElement[] {
  const { level, values, message, others } = columns.cells(line, structured);
  const text = textOf(line, level);
  if (message) draw(text, message, pattern);
  if (others) {
    const rest = make('span', { class: 'nbc-dim' });
    draw(rest, message ? `  ${others}` : others, pattern);
    text.append(rest);
  }
  const parts = [...levelCell(level, columns), ...values.map((value) => fieldCell(value, pattern)), text];
  if (raw) {
    const whole = make('div', { class: 'nbc-raw nbc-dim' });
    draw(whole, line.text, pattern);
    parts.push(whole);
  }
  return parts;
}

function textOf(line: Line | undefined, level: string): HTMLElement {
  const text = make('span', { class: line?.error ? 'nbc-text nbc-stderr' : 'nbc-text' });
  if (level) text.classList.add(`nbc-level-${level}`);
  return text;
}

function levelCell(level: string, { levels }: FieldColumns): HTMLElement[] {
  return levels ? [make('span', { class: `nbc-level nbc-level-${level || 'none'}` }, level)] : [];
}

function fieldCell(value: string, pattern: RegExp | null): HTMLElement {
  const cell = make('span', { class: 'nbc-field', title: visible(value) || undefined });
  draw(cell, value, pattern);
  return cell;
}

/** A source's name, with its middle left out if it is long: "web-…-x2x8q". */
export function shorten(name: string): string {
  const text = visible(name);
  if (text.length <= WIDEST_NAME) return text;
  return `${text.slice(0, WIDEST_NAME - 13)}…${text.slice(-12)}`;
}

/** The colour of a source: a name always gets the same one (FNV-1a). */
export function colourOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return (hash >>> 16) % COLOURS;
}

function clock(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const milliseconds = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

/** What is noted between lines. */
export function remarks(notes: string[] | undefined): HTMLElement[] {
  return (notes ?? []).map((note) => make('div', { class: 'nbc-remark nbc-dim' }, `— ${visible(note)} —`));
}
