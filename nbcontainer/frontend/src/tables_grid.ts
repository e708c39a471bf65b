// The rows of a table in the page: only visible rows have elements, which are reused while scrolling.

import { make, setAttribute, setText } from './elements';
import { TABLE } from './strings';
import { ARROW, PADDING, WIDEST, fitWidths, type Need } from './tables_widths';
import type { Column, Row, TableStore } from './tables_store';

const ROW = 26; // pixels; with a fixed height, a row's position can be computed
const HEAD = 27;
const MAX_VISIBLE_ROWS = 15;
const FLASH = 900; // milliseconds; as long as the animation of .nbc-flash

let grids = 0;

/** The grid's callbacks to its owner. */
export interface GridEvents {
  sorted(): void;
  selected(): void;
  key(event: KeyboardEvent): void;
}

export class Grid {
  readonly element: HTMLElement;
  wide = false;
  /** The names of the columns that the user has hidden or, of those that are hidden at first, has shown. */
  readonly chosen = new Set<string>();
  private readonly id = `nbc-grid-${++grids}`;
  private readonly head = make('div', { class: 'nbc-head', role: 'row', 'aria-rowindex': 1 });
  private readonly body = make('div', { class: 'nbc-rows', role: 'rowgroup' });
  private readonly empty = make('div', { class: 'nbc-empty nbc-dim' });
  private readonly sheet: HTMLElement;
  private readonly pool: HTMLElement[] = [];
  private columns: { index: number; column: Column }[] = [];
  private widths = '';
  private active = -1;
  private activeKey = '';
  private anchor = -1;
  private frame = 0;
  private measured = new Map<string, number>();
  private readonly pen = document.createElement('canvas').getContext('2d');
  private readonly observer = new ResizeObserver(() => this.request());

  constructor(
    public store: TableStore,
    private readonly events: GridEvents,
  ) {
    this.sheet = make('div', { class: 'nbc-sheet', role: 'presentation' }, this.head, this.body, this.empty);
    this.element = make(
      'div',
      { class: 'nbc-grid', role: 'grid', tabindex: 0, 'aria-multiselectable': 'true' },
      this.sheet,
    );
    this.element.addEventListener('scroll', () => this.request(), { passive: true });
    this.element.addEventListener('keydown', (event) => this.onKey(event));
    this.body.addEventListener('mousedown', (event) => this.onMouse(event));
    this.body.addEventListener('mouseover', (event) => showFullText(event.target));
    this.observer.observe(this.element);
  }

  dispose(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /** Draws in the next frame. */
  request(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  /** Draws now, if it is attached to the page. */
  paint(): void {
    const { store, element } = this;
    if (!element.isConnected) return;
    store.refresh();
    this.setColumns();
    this.keepActive();
    const count = store.shown.length;
    setAttribute(element, 'aria-rowcount', String(count + 1));
    const height = `${Math.min(MAX_VISIBLE_ROWS, Math.max(1, store.rows.size)) * ROW + HEAD + 1}px`;
    if (element.dataset.height !== height) {
      element.dataset.height = height;
      element.style.height = height; // set only when it changes: the user may have resized the view
    }
    this.body.style.height = `${count * ROW}px`;
    setText(this.empty, count ? '' : store.rows.size ? TABLE.noMatch : TABLE.nothing);
    const first = Math.max(0, Math.floor(element.scrollTop / ROW) - 2);
    const rows = Math.min(count - first, Math.ceil(element.clientHeight / ROW) + 4);
    while (this.pool.length < rows) this.pool.push(this.makeRow());
    const size = this.pool.length;
    const clock = performance.now();
    const flash = store.isBusy(clock) ? ' nbc-flash-still' : ' nbc-flash';
    for (let slot = 0; slot < size; slot++) {
      // the row at an index keeps its element while scrolling
      const index = first + ((((slot - first) % size) + size) % size);
      const line = this.pool[slot] as HTMLElement;
      const row = index < first + rows ? store.shown[index] : undefined;
      if (row) this.paintRow(line, row, index, clock, flash);
      else line.hidden = true;
    }
    setAttribute(
      element,
      'aria-activedescendant',
      this.activeIn(first, rows) ? this.rowId(this.active) : null,
    );
  }

  private activeIn(first: number, rows: number): boolean {
    return this.active >= first && this.active < first + rows;
  }

  private rowId(index: number): string {
    return `${this.id}-${index}`;
  }

  private paintRow(line: HTMLElement, row: Row, index: number, clock: number, flash: string): void {
    line.hidden = false;
    if (line.dataset.index !== String(index)) {
      line.dataset.index = String(index);
      line.id = this.rowId(index);
      line.style.transform = `translateY(${index * ROW}px)`;
      line.setAttribute('aria-rowindex', String(index + 2));
    }
    const selected = this.store.selected.has(row.key);
    line.classList.toggle('nbc-selected', selected);
    line.classList.toggle('nbc-active', index === this.active);
    setAttribute(line, 'aria-selected', String(selected));
    for (let place = 0; place < this.columns.length; place++) {
      const cell = line.children[place] as HTMLElement;
      const {
        index: column,
        column: { kind },
      } = this.columns[place] as { index: number; column: Column };
      const text = this.store.text(row, column);
      const node = cell.firstChild as Text;
      if (node.data !== text) node.data = text;
      const changed =
        row.changed !== null && clock - (row.changed[column] ?? 0) < FLASH && (row.changed[column] ?? 0) > 0;
      const name = `nbc-cell${kind === 'status' ? toneClass(row.tone) : ''}${isNumber(kind) ? ' nbc-number' : ''}${text === '–' ? ' nbc-dim' : ''}${changed ? flash : ''}`;
      if (cell.className !== name) cell.className = name;
    }
  }

  // --- columns

  private setColumns(): void {
    const { store } = this;
    const columns = store.columns
      .map((column, index) => ({ index, column }))
      .filter(({ column }) => this.shows(column));
    const same =
      columns.length === this.columns.length &&
      columns.every(
        ({ column, index }, place) =>
          this.columns[place]?.column === column && this.columns[place]?.index === index,
      );
    if (!same) {
      this.columns = columns;
      this.pool.length = 0;
      this.body.replaceChildren();
      this.head.replaceChildren(...columns.map(({ column, index }) => this.makeHead(column, index)));
      this.element.setAttribute('aria-colcount', String(columns.length));
    }
    this.setWidths();
    columns.forEach(({ index }, place) => {
      const sorted = index === store.sortColumn ? (store.descending ? 'descending' : 'ascending') : 'none';
      setAttribute(this.head.children[place] as Element, 'aria-sort', sorted);
    });
  }

  /** Whether a column is shown: at first all but the wide ones. */
  shows(column: Column): boolean {
    return (this.wide || !column.wide) !== this.chosen.has(column.name);
  }

  /** Shows or hides a column. The last one stays. */
  toggleColumn(column: Column): void {
    const shown = this.store.columns.filter((each) => this.shows(each));
    if (shown.length === 1 && shown[0] === column) return;
    if (!this.chosen.delete(column.name)) this.chosen.add(column.name);
    this.paint();
  }

  // each column is as wide as its longest text, and all share any space left; if there is too little, `fitWidths`
  // decides which ones shrink
  private setWidths(): void {
    if (!this.pen) return;
    const { fontSize, fontFamily } = getComputedStyle(this.element);
    const needs = this.columns.map(({ column, index }): Need => {
      this.setPen(`600 11px ${fontFamily}`); // as in .nbc-head
      const head = this.measure(column.name) + (index === this.store.sortColumn ? ARROW : 0);
      this.setPen(`${fontSize} ${fontFamily}`);
      const texts = column.kind === 'age' ? ['59m59s'] : (this.store.long[index] ?? []);
      const widest = Math.max(0, ...[...texts].map((text) => this.measure(text)));
      return { head, content: Math.min(WIDEST - PADDING, widest), text: column.kind === 'text' };
    });
    const { padding, widths } = fitWidths(needs, this.element.clientWidth);
    const template = widths.map((width) => `minmax(${width}px, ${width}fr)`).join(' ');
    if (template === this.widths) return;
    this.widths = template;
    this.sheet.style.setProperty('--nbc-columns', template);
    this.sheet.style.setProperty('--nbc-padding', `${padding}px`);
    this.sheet.style.minWidth = `${widths.reduce((total, width) => total + width, 0)}px`;
  }

  private setPen(font: string): void {
    if (this.pen) this.pen.font = font;
  }

  private measure(text: string): number {
    const key = `${this.pen?.font} ${text}`;
    let width = this.measured.get(key);
    if (width === undefined) {
      if (this.measured.size > 2000) this.measured.clear();
      width = Math.ceil(this.pen?.measureText(text.slice(0, 200)).width ?? 0);
      this.measured.set(key, width);
    }
    return width;
  }

  private makeHead(column: Column, index: number): HTMLElement {
    const sort = (): void => {
      this.store.sortBy(index);
      this.events.sorted();
      this.paint();
    };
    const button = make(
      'button',
      { type: 'button', onclick: sort, title: TABLE.sortBy(column.name) },
      column.name,
    );
    const role = { class: isNumber(column.kind) ? 'nbc-number' : undefined, role: 'columnheader' };
    return make('div', role, button);
  }

  private makeRow(): HTMLElement {
    const line = make('div', { class: 'nbc-row', role: 'row' });
    this.columns.forEach((_, place) => {
      line.append(make('div', { role: 'gridcell', 'aria-colindex': place + 1 }, document.createTextNode('')));
    });
    this.body.append(line);
    return line;
  }

  // --- the active row and the selection, by key and not by position: rows come and go

  private keepActive(): void {
    if (!this.activeKey) return;
    const place = this.store.positionOfKey(this.activeKey);
    if (place >= 0) this.active = place;
    else this.active = Math.min(this.active, this.store.shown.length - 1);
  }

  /** The row that keys act on. */
  get activeRow(): Row | null {
    return this.store.shown[this.active] ?? null;
  }

  private go(index: number, extend: boolean): void {
    const last = this.store.shown.length - 1;
    if (last < 0) return;
    this.active = Math.max(0, Math.min(last, index));
    this.activeKey = this.store.shown[this.active]?.key ?? '';
    const top = this.active * ROW;
    const room = this.element.clientHeight - HEAD;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + ROW > this.element.scrollTop + room) this.element.scrollTop = top + ROW - room;
    if (extend) this.selectRange();
    else this.anchor = this.active;
    this.paint();
  }

  private selectRange(): void {
    const [from, to] = [Math.min(this.anchor, this.active), Math.max(this.anchor, this.active)];
    this.store.selected.clear();
    for (const row of this.store.shown.slice(Math.max(0, from), to + 1)) this.store.selected.add(row.key);
    this.events.selected();
  }

  private toggle(row: Row): void {
    if (!this.store.selected.delete(row.key)) this.store.selected.add(row.key);
    this.events.selected();
  }

  selectNone(): void {
    this.store.selected.clear();
    this.events.selected();
    this.paint();
  }

  /** Focuses the grid, with a row active. */
  focus(): void {
    this.element.focus();
    if (this.active < 0) this.go(0, false);
  }

  private onMouse(event: MouseEvent): void {
    const line = (event.target as Element).closest<HTMLElement>('.nbc-row');
    const row = line ? this.store.shown[Number(line.dataset.index)] : undefined;
    if (!line || !row || event.button !== 0) return;
    const { selected } = this.store;
    const only = selected.size === 1 && selected.has(row.key);
    if (event.shiftKey) event.preventDefault(); // no text selection
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      selected.clear();
      if (!only) selected.add(row.key);
      this.events.selected();
    } else if (!event.shiftKey) this.toggle(row);
    this.go(Number(line.dataset.index), event.shiftKey);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.target !== this.element) return;
    const page = Math.max(1, Math.floor((this.element.clientHeight - HEAD) / ROW) - 1);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      j: 1,
      k: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
      g: -Infinity,
      G: Infinity,
    };
    const step = steps[event.key];
    const isLetter = event.key.length === 1;
    if (step !== undefined && !event.altKey && !(isLetter && (event.ctrlKey || event.metaKey))) {
      const from = this.active < 0 ? (step > 0 ? -1 : this.store.shown.length) : this.active;
      this.go(from + step, event.shiftKey && !isLetter);
    } else if (event.key === ' ' && this.activeRow) {
      this.toggle(this.activeRow);
      this.anchor = this.active;
      this.paint();
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      for (const row of this.store.shown) this.store.selected.add(row.key);
      this.events.selected();
      this.paint();
    } else {
      this.events.key(event);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

function isNumber(kind: string): boolean {
  return kind === 'number' || kind === 'restarts' || kind === 'bytes' || kind === 'age';
}

function toneClass(tone: string): string {
  return tone ? ` nbc-${tone}` : '';
}

// a truncated text gets its full text as title, only when the user points at it: setting it for every cell is slow
function showFullText(target: EventTarget | null): void {
  if (!(target instanceof HTMLElement) || !target.classList.contains('nbc-cell')) return;
  if (target.scrollWidth > target.clientWidth) target.title = target.textContent ?? '';
  else target.removeAttribute('title');
}
