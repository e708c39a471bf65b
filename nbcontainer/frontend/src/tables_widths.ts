// How wide the columns of a table are, where there is room and where there is not.

export const WIDEST = 420; // pixels of a column
export const PADDING = 22; // of a cell, both sides
const FIRST = 2; // that the first cell has besides, on its left
export const ARROW = 12; // beside the header of the column that is sorted by
const TIGHT = 14; // of a cell where there is little room
const LEAST = 34; // of a column: a header of two letters can still be clicked
const READABLE = 90; // of the widest text, which shrinks last

/** What one column needs, without padding. */
export interface Need {
  head: number;
  content: number;
  /** Whether it holds text, of which a part can be read too. */
  text: boolean;
}

export interface Widths {
  /** Of a cell, on either side. */
  padding: number;
  widths: number[];
}

/** Widths for a view: first the padding gives way, then headers wider than what is below them, last the widest text. */
export function fitWidths(needs: readonly Need[], room: number): Widths {
  const easy = needs.map(({ head, content }) => Math.min(WIDEST, Math.max(head + ARROW, content) + PADDING));
  if (sum(easy) <= room) return { padding: (PADDING - FIRST) / 2, widths: easy };
  const widths = needs.map(({ head, content }) => Math.max(LEAST, Math.max(head, content) + TIGHT));
  const spare = widths.map((width, at) => width - Math.max(LEAST, (needs[at]?.content ?? 0) + TIGHT));
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
    // where it must scroll all the same, a last column that shrinks would bring nothing else into sight
    widths[widest] = left < least && widest === widths.length - 1 ? width : Math.max(least, left);
  }
  return { padding: (TIGHT - FIRST) / 2, widths };
}

function sum(widths: readonly number[]): number {
  return widths.reduce((total, width) => total + width, 0);
}
