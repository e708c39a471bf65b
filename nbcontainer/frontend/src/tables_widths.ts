// Computes the widths of a table's columns, with or without enough space.

export const WIDEST = 420; // pixels; the most that a column gets
export const PADDING = 22; // of a cell, both sides together
const FIRST = 2; // more on the left of the first cell
export const ARROW = 12; // the sort arrow beside a header
const TIGHT = 14; // the padding when space is short
const MIN_WIDTH = 34; // of a column: even a two-letter header stays clickable
const READABLE = 90; // the least for the widest text, which shrinks last

/** What one column needs, without padding. */
export interface Need {
  head: number;
  content: number;
  /** Whether it is text, which is still useful when truncated. */
  text: boolean;
}

export interface Widths {
  /** Of a cell, on each side. */
  padding: number;
  widths: number[];
}

/** Widths for a view: first the padding shrinks, then headers wider than their cells, and last the widest text. */
export function fitWidths(needs: readonly Need[], room: number): Widths {
  const easy = needs.map(({ head, content }) => Math.min(WIDEST, Math.max(head + ARROW, content) + PADDING));
  if (sum(easy) <= room) return { padding: (PADDING - FIRST) / 2, widths: easy };
  const widths = needs.map(({ head, content }) => Math.max(MIN_WIDTH, Math.max(head, content) + TIGHT));
  const spare = widths.map((width, at) => width - Math.max(MIN_WIDTH, (needs[at]?.content ?? 0) + TIGHT));
  const share = Math.min(1, Math.max(0, sum(widths) - room) / Math.max(1, sum(spare)));
  spare.forEach((width, at) => (widths[at] = (widths[at] ?? 0) - Math.ceil(width * share)));
  const widest = needs.reduce(
    (best, { text }, at) => (text && (widths[at] ?? 0) > (widths[best] ?? 0) ? at : best),
    -1,
  );
  const width = widths[widest];
  if (width !== undefined) {
    const least = Math.min(width, Math.max(READABLE, Math.round(width * 0.4)));
    const left = width - Math.max(0, sum(widths) - room);
    // if it must scroll anyway, shrinking the last column would not bring anything else into view
    widths[widest] = left < least && widest === widths.length - 1 ? width : Math.max(least, left);
  }
  return { padding: (TIGHT - FIRST) / 2, widths };
}

function sum(widths: readonly number[]): number {
  return widths.reduce((total, width) => total + width, 0);
}
