// Running a cell again empties its output a moment before the new view appears, and everything below would jump up and
// back down. Until the new view is drawn, a static copy of the old one takes its place.

import type { Actions, CodeCell } from '@jupyterlab/notebook';

const MAX_WAIT = 5000; // milliseconds; beyond that the cell is probably queued behind others
const LOADING = 'Loading widget...'; // as JupyterLab's widget manager has it
const FADING = { delay: 1000, duration: 300, fill: 'forwards' } as const; // an old view must not look current

/** Keep the old view of each of our cells that is run again. */
export function keepOldViews(actions: Actions): void {
  actions.executionScheduled.connect((_sender, { cell }) => keep(cell));
}

function keep(cell: CodeCell): void {
  const area = cell.outputArea?.node;
  const place = area?.parentElement;
  if (!area?.isConnected || !place || !area.querySelector('.nbc')) return;
  place.querySelector(':scope > .nbc-kept')?.remove();
  const old = new Set(area.children);
  const copy = staticCopy(area);
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
  const timer = window.setTimeout(end, MAX_WAIT);
}

/** Whether an output is visible; a widget's shows a placeholder first. */
function isDrawn(output: HTMLElement): boolean {
  const text = output.innerText.trim();
  return text !== '' && !text.includes(LOADING);
}

/** A copy that cannot be mistaken for the original: no focus, no ids, nothing for screen readers. */
function staticCopy(area: HTMLElement): HTMLElement {
  const copy = area.cloneNode(true) as HTMLElement;
  copy.classList.add('nbc-kept');
  copy.inert = true;
  copy.setAttribute('aria-hidden', 'true');
  for (const element of copy.querySelectorAll('[id]')) element.removeAttribute('id');
  return copy;
}

/** Copies scroll positions, which a cloned element does not keep. */
function copyScroll(from: HTMLElement, to: HTMLElement): void {
  const copies = to.querySelectorAll('*');
  from.querySelectorAll('*').forEach((element, index) => {
    if (element.scrollTop) (copies[index] as Element).scrollTop = element.scrollTop;
  });
}
