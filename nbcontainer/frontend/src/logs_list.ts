// The lines of a log in the page: only visible ones have elements.
//
// A log may need more pixels than a browser allows for an element's height, and wrapped lines differ in height. So the
// list works with fractions, not heights: with the scroll bar at fraction f of its range, the line at fraction f of the
// log is drawn at fraction f of the view. For lines of equal height that is ordinary scrolling.

import { draw, visible } from './ansi';
import { make, setText } from './elements';
import { levelOf } from './logs_levels';
import type { Line, LogStore } from './logs_store';

const LINE = 18; // pixels; the height of an unwrapped line
const VIEW_HEIGHT = 330; // pixels, at most
const PADDING = 14; // below the last line, with room for a scroll bar
const MAX_HEIGHT = 8_000_000; // pixels; browsers cap an element's height at 17 to 33 million
const COLOURS = 8;
const WIDEST_NAME = 26; // characters of a source's name

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
  /** How many lines are listed, including one for a note at the very end. */
  total = 0;
  private top = 0; // the line at the top edge if no line were wrapped
  private readonly spacer = make('div', { class: 'nbc-spacer' });
  private readonly layer = make('div', { class: 'nbc-window' });
  private readonly flow = make('div', { class: 'nbc-flow' });
  private readonly lines = new Map<number, HTMLElement>();
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

  private onScroll(): void {
    const { element } = this;
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
    const several = store.sources.size > 1 || store.prefix;
    const drawn = `${this.times} ${several} ${this.pattern ?? this.highlight}`;
    const anew = drawn !== this.drawn;
    this.drawn = drawn;
    if (this.flow.classList.toggle('nbc-wrap', this.wrap)) {
      this.width = 0; // reset before measuring: wrapped lines are as wide as the view
      this.spacer.style.minWidth = '';
    }
    this.flow.style.setProperty('--nbc-log-columns', this.columns(several));
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
      const state = `${line ? 1 : 0} ${notes?.length ?? 0}`;
      if (anew || element.dataset.state !== state) {
        if (number < store.total) this.drawLine(element, line, notes, several);
        else element.replaceChildren(...remarks(notes));
      }
      element.dataset.state = state;
      element.className = number < store.total ? 'nbc-line' : 'nbc-after';
      element.classList.toggle('nbc-marked', number === this.marked);
      before = element;
    }
    for (const element of spare) element.remove();
  }

  private columns(several: boolean): string {
    let longest = 0;
    if (several)
      for (const name of this.store.sources.keys()) longest = Math.max(longest, shorten(name).length);
    return `${this.times ? '12.5ch ' : ''}${several ? `${longest + 0.5}ch ` : ''}minmax(0, 1fr)`;
  }

  private drawLine(
    host: HTMLElement,
    line: Line | undefined,
    notes: string[] | undefined,
    several: boolean,
  ): void {
    const parts = remarks(notes);
    if (this.times) {
      const time = make('span', { class: 'nbc-dim' }, line?.time ? clock(line.time) : '');
      if (line?.time) time.title = new Date(line.time * 1000).toISOString();
      parts.push(time);
    }
    if (several) {
      const name = make('span', { class: `nbc-source nbc-s${colourOf(line?.source ?? '')}` });
      setText(name, shorten(line?.source ?? ''));
      name.title = visible(line?.source ?? '');
      parts.push(name);
    }
    const text = make('span', { class: line?.error ? 'nbc-text nbc-stderr' : 'nbc-text' });
    const level = line ? levelOf(line.text) : '';
    if (level) text.classList.add(`nbc-level-${level}`);
    if (line) draw(text, line.text, this.pattern ?? this.highlight);
    else text.textContent = '…';
    parts.push(text);
    host.replaceChildren(...parts);
  }
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

function remarks(notes: string[] | undefined): HTMLElement[] {
  return (notes ?? []).map((note) => make('div', { class: 'nbc-remark nbc-dim' }, `— ${visible(note)} —`));
}
