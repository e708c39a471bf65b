// Running a cell again empties its output a moment before the new view is there, and everything below jumps up and down
// again. Until the new view is drawn, a still copy of the old one keeps its place.

import type { Actions, CodeCell } from '@jupyterlab/notebook';

const MOST = 5000; // milliseconds; what takes longer is a queue of cells
const LOADING = 'Loading widget...'; // as JupyterLab's widget manager has it
const FADING = { delay: 1000, duration: 300, fill: 'forwards' } as const; // it may not pass for the state of now

/** Keep the old view of each cell of ours that runs again. */
export function keepOldViews(actions: Actions): void {
  actions.executionScheduled.connect((_sender, { cell }) => keep(cell));
}

function keep(cell: CodeCell): void {
  const area = cell.outputArea?.node;
  const place = area?.parentElement;
  if (!area?.isConnected || !place || !area.querySelector('.nbc')) return;
  place.querySelector(':scope > .nbc-kept')?.remove();
  const old = new Set(area.children);
  const copy = still(area);
  const { minHeight, position } = place.style;
  place.style.minHeight = `${place.offsetHeight}px`;
  place.style.position = 'relative';
  copy.style.cssText = `position: absolute; z-index: 1; pointer-events: none; top: ${area.offsetTop}px; left: ${area.offsetLeft}px; width: ${area.offsetWidth}px`;
  place.append(copy);
  copyScroll(area, copy);
  copy.animate([{ opacity: 1 }, { opacity: 0.5 }], FADING);
  const end = (): void => {
    observer.disconnect();
    clearTimeout(timer);
    copy.remove();
    place.style.minHeight = minHeight;
    place.style.position = position;
  };
  const observer = new MutationObserver(() => {
    const drawn = [...area.children].some((child) => !old.has(child) && isDrawn(child as HTMLElement));
    if (drawn) end();
  });
  observer.observe(area, { childList: true, subtree: true, characterData: true });
  const timer = window.setTimeout(end, MOST);
}

/** Whether an output is there to be seen; a widget's says first that it will be. */
function isDrawn(output: HTMLElement): boolean {
  const text = output.innerText.trim();
  return text !== '' && !text.includes(LOADING);
}

/** A copy that nobody takes for the original: no focus, no ids, nothing to read out. */
function still(area: HTMLElement): HTMLElement {
  const copy = area.cloneNode(true) as HTMLElement;
  copy.classList.add('nbc-kept');
  copy.inert = true;
  copy.setAttribute('aria-hidden', 'true');
  for (const element of copy.querySelectorAll('[id]')) element.removeAttribute('id');
  return copy;
}

/** The same places in view: a copy begins at the top of everything that scrolls. */
function copyScroll(from: HTMLElement, to: HTMLElement): void {
  const copies = to.querySelectorAll('*');
  from.querySelectorAll('*').forEach((element, index) => {
    if (element.scrollTop) (copies[index] as Element).scrollTop = element.scrollTop;
  });
}
