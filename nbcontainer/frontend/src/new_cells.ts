// Adds cells below a view: what a button does is a magic that the user sees.

/** The event that requests new cells; `src/lab/cells.ts` handles it and prevents the default. */
export const NEW_CELLS = 'nbcontainer:cells';

export interface NewCells {
  sources: string[];
  run: boolean;
}

/** Requests cells below the one that shows `element`; returns false where the page cannot add any. */
export function requestCells(element: Element, detail: NewCells): boolean {
  return !element.dispatchEvent(
    new CustomEvent<NewCells>(NEW_CELLS, { detail, bubbles: true, cancelable: true }),
  );
}
