// The lines of a log in the page: only visible ones have elements.
//
// A log may need more pixels than a browser allows for an element's height, and wrapped lines differ in height. So the
// list works with fractions, not heights: with the scroll bar at fraction f of its range, the line at fraction f of the
// log is drawn at fraction f of the view. For lines of equal height that is ordinary scrolling.

import { make } from './elements';
import { FieldColumns } from './logs_fields';
import { drawLine, headOf, remarks, templateOf, type Look } from './logs_lines';
import type { LogStore } from './logs_store';

const LINE = 18; // pixels; the height of an unwrapped line
const VIEW_HEIGHT = 330; // pixels, at most
const PADDING = 14; // below the last line, with room for a scroll bar
const MAX_HEIGHT = 8_000_000; // pixels; browsers cap an element's height at 17 to 33 million

/** The list's callbacks to its owner. */
export interface ListEvents {
  /** The user scrolled, or lines became wider than the view: see `follow` and `overflows`. */
  moved(): void;
  /** These lines are visible now. */
  shown(from: number, to: number): void;
}

export class LogList {
  readonly element: HTMLElement;
  follow = true;
  wrap = false;
  times = false;
  /** Whether a line is wider than the view, or was before it was wrapped. */
  overflows = false;
  pattern: RegExp | null = null;
  /** What is marked when nothing is searched for. */
  highlight: RegExp | null = null;
  /** The line of the current match, or -1. */
  marked = -1;
  /** Lines as columns of their fields. */
  readonly columns = new FieldColumns();
  /** The names of the columns, above the lines. */
  readonly head = make('div', {
    class: 'nbc-log-head nbc-code nbc-dim',
    'aria-hidden': 'true',
    hidden: true,
  });
  /** How many lines are listed, including one for a note at the very end. */
  total = 0;
  private top = 0; // the line at the top edge if no line were wrapped
  private readonly spacer = make('div', { class: 'nbc-spacer' });
  private readonly layer = make('div', { class: 'nbc-window' });
  private readonly flow = make('div', { class: 'nbc-flow' });
  private readonly lines = new Map<number, HTMLElement>();
  private readonly raw = new Set<number>(); // the lines whose text is shown below their columns
  private expected = 0;
  private frame = 0;
  private width = 0;
  private drawn = '';
  private ownHeight = ''; // to notice when the user resizes the view
  private readonly observer = new ResizeObserver(() => this.request());

  constructor(
    public store: LogStore,
    private readonly events: ListEvents,
  ) {
    this.layer.append(this.flow);
    this.spacer.append(this.layer);
    this.element = make(
      'div',
      { class: 'nbc-log-lines nbc-code', role: 'log', 'aria-live': 'off', tabindex: 0 },
      this.spacer,
    );
    this.element.addEventListener('scroll', () => this.onScroll(), { passive: true });
    this.element.addEventListener('wheel', (event) => this.onWheel(event), { passive: false });
    this.flow.addEventListener('click', (event) => this.onClick(event));
    this.observer.observe(this.element);
  }

  dispose(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }

  request(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  /** The number of lines that fit into the view. */
  get room(): number {
    return this.element.clientHeight / LINE;
  }

  /** The number of the line at the top of the view. */
  get first(): number {
    return Math.floor(this.top);
  }

  /** Scrolls by `lines`; scrolling up ends following, reaching the end resumes it. */
  move(lines: number): void {
    const last = Math.max(0, this.total - this.room);
    const from = this.follow ? last : this.top;
    this.top = Math.max(0, Math.min(last, from + lines));
    this.follow = lines > 0 && this.top >= last;
    this.events.moved();
    this.paint();
  }

  /** Scrolls a line to the middle of the view. */
  show(line: number): void {
    this.follow = false;
    this.top = Math.max(0, Math.min(this.total - this.room, line - this.room / 2));
    this.events.moved();
    this.paint();
  }

  /** Goes to the end and stays there. */
  toEnd(): void {
    this.follow = true;
    this.events.moved();
    this.paint();
  }

  /** Shows the text of a line below its columns, or hides it: of the marked line, else of the first in view. */
  toggleRaw(number = this.marked >= 0 ? this.marked : this.first): void {
    if (!this.columns.on) return;
    if (!this.raw.delete(number)) this.raw.add(number);
    this.request();
  }

  private onClick(event: Event): void {
    if (!(event.target instanceof Element) || document.getSelection()?.isCollapsed === false) return;
    const chosen = event.target.closest('.nbc-line');
    if (event.target.closest('.nbc-raw')) return;
    for (const [number, element] of this.lines) if (element === chosen) this.toggleRaw(number);
  }

  private onScroll(): void {
    const { element } = this;
    this.head.style.setProperty('--nbc-log-left', `${-element.scrollLeft}px`);
    if (Math.abs(element.scrollTop - this.expected) > 1) {
      const way = element.scrollHeight - element.clientHeight;
      const fraction = way > 0 ? element.scrollTop / way : 1;
      this.expected = element.scrollTop;
      this.top = fraction * Math.max(0, this.total - this.room);
      this.follow = element.scrollTop >= way - 2;
      this.events.moved();
    }
    this.request();
  }

  // with more lines than the scroll bar has pixels, one turn of the wheel would skip lines
  private onWheel(event: WheelEvent): void {
    if (this.total * LINE <= MAX_HEIGHT || event.ctrlKey || event.deltaY === 0) return;
    event.preventDefault();
    this.move(event.deltaY / (event.deltaMode === 1 ? 1 : LINE));
  }

  /** Draws now. */
  paint(): void {
    const { element, total } = this;
    this.fitHeight();
    if (!element.isConnected || !element.clientHeight) return;
    const height = element.clientHeight;
    const room = this.room;
    const sheet = Math.max(height, Math.min(total * LINE, MAX_HEIGHT));
    this.spacer.style.height = `${sheet}px`;
    this.layer.style.height = `${height}px`;
    const last = Math.max(0, total - room);
    if (this.follow) this.top = last;
    this.top = Math.min(this.top, last);
    const fraction = last > 0 ? this.top / last : 0;
    const place = fraction * total;
    const anchor = Math.max(0, Math.min(total - 1, Math.floor(place)));
    const from = Math.max(0, Math.floor(anchor - fraction * room) - 4);
    const to = Math.min(total, Math.ceil(anchor + (1 - fraction) * room) + 5);
    this.setLines(from, to);
    const line = this.lines.get(anchor);
    const offset = line ? fraction * height - (place - anchor) * line.offsetHeight - line.offsetTop : 0;
    this.flow.style.transform = `translateY(${Math.round(offset)}px)`;
    this.keepWidth();
    if (this.wrap) this.fitHeight(); // the wrapped lines have their real height only now
    const wanted = fraction * (sheet - height);
    if (Math.abs(element.scrollTop - wanted) > 1) element.scrollTop = wanted;
    this.expected = element.scrollTop;
    this.events.shown(from, to);
  }

  // a view of a few lines is only as high as they are
  private fitHeight(): void {
    const { element } = this;
    if (element.style.height !== this.ownHeight) return;
    const lines = Math.max(1, this.total) * LINE;
    const wrapped = this.lines.size < this.total ? VIEW_HEIGHT : Math.max(LINE, this.flow.offsetHeight);
    const few = (this.wrap ? wrapped : lines) + PADDING;
    const height = `${Math.min(VIEW_HEIGHT, few)}px`;
    if (height === this.ownHeight) return;
    element.style.height = this.ownHeight = height;
    this.ownHeight = element.style.height;
  }

  // the content is as wide as the widest line so far: its width must not jump while scrolling
  private keepWidth(): void {
    if (this.wrap) return;
    const { flow, element } = this;
    // when no line overflows, scrollWidth is just the view's width, which may have been larger before
    if (flow.scrollWidth > flow.clientWidth) this.width = Math.max(this.width, flow.scrollWidth);
    const overflows = this.width > element.clientWidth;
    this.spacer.style.minWidth = overflows ? `${this.width}px` : '';
    if (overflows === this.overflows) return;
    this.overflows = overflows;
    this.events.moved();
  }

  private setLines(from: number, to: number): void {
    const { store } = this;
    const look: Look = {
      times: this.times,
      several: store.sources.size > 1 || store.prefix,
      columns: this.columns,
      pattern: this.pattern ?? this.highlight,
    };
    for (let number = from; number < to; number++) {
      const line = store.get(number);
      if (line) this.columns.of(line); // columns are known before the first of these lines is drawn
    }
    const anew = this.setLook(look);
    if (this.flow.classList.toggle('nbc-wrap', this.wrap)) {
      this.width = 0; // reset before measuring: wrapped lines are as wide as the view
      this.spacer.style.minWidth = '';
    }
    const spare: HTMLElement[] = [];
    for (const [number, element] of this.lines) {
      if (number >= from && number < to) continue;
      this.lines.delete(number);
      spare.push(element);
    }
    let before: Element | null = null;
    for (let number = to - 1; number >= from; number--) {
      let element = this.lines.get(number);
      if (!element) {
        element = spare.pop() ?? make('div', { class: 'nbc-line' });
        delete element.dataset.state;
        this.flow.insertBefore(element, before);
        this.lines.set(number, element);
      }
      const line = store.get(number);
      const notes = store.notes.get(number);
      const raw = this.raw.has(number);
      const state = `${line ? 1 : 0} ${notes?.length ?? 0} ${raw}`;
      if (anew || element.dataset.state !== state) {
        if (number < store.total) drawLine(element, line, notes, look, raw);
        else element.replaceChildren(...remarks(notes));
      }
      element.dataset.state = state;
      element.className = number < store.total ? 'nbc-line' : 'nbc-after';
      element.classList.toggle('nbc-marked', number === this.marked);
      before = element;
    }
    for (const element of spare) element.remove();
  }

  // returns whether lines look different now
  private setLook(look: Look): boolean {
    const { columns, times, several, pattern } = look;
    const template = templateOf(look, this.store);
    const drawn = `${columns.on} ${columns.levels} ${columns.chosen.join('\n')} ${times} ${several} ${pattern}`;
    for (const element of [this.flow, this.head]) element.style.setProperty('--nbc-log-columns', template);
    if (drawn === this.drawn) return false;
    this.drawn = drawn;
    this.width = 0;
    this.head.hidden = !columns.on;
    if (columns.on) this.head.replaceChildren(make('div', { class: 'nbc-line' }, ...headOf(look)));
    this.events.moved();
    return true;
  }
}
