// Spans, and the lines that they form.

import { visible } from './ansi';
import type { Action, AnySpan, Clock, LineBlock, Span } from './blocks';
import type { BlockView, Context } from './block_views';
import { make, setAttribute, setText } from './elements';
import { formatAge, seconds, wholeSeconds } from './format';
import { linkText } from './live';

/** What an element shows depends on the time. */
export type Tick = (now: number) => void;

export function spanOf(span: AnySpan): Span {
  return typeof span === 'string' ? { text: span } : span;
}

const DURATIONS = { seconds, whole: wholeSeconds, age: formatAge };

/** The text that a clock shows. */
export function clockText(clock: Clock, now: number): string {
  const took = (clock.until ?? now) - clock.since;
  const text = DURATIONS[clock.style ?? 'seconds'](took);
  return text && visible(clock.before ?? '') + text;
}

function classOf(span: Span): string | null {
  const names = [
    span.tone && `nbc-${span.tone}`,
    span.bold && 'nbc-bold',
    span.code && 'nbc-code',
    span.chip && 'nbc-chip',
  ].filter(Boolean);
  return names.join(' ') || null;
}

/** Draws a span into an element; returns what brings it up to date, if it depends on the time. */
export function drawSpan(element: HTMLElement, span: Span, context: Context): Tick | undefined {
  setAttribute(element, 'class', classOf(span));
  const { action, clock } = span;
  if (action) {
    if (element.querySelector('button')?.textContent !== visible(span.text || action.label))
      element.replaceChildren(actionButton(action, context, span.text));
    return undefined;
  }
  if (!clock) {
    if (span.link && /^https?:/.test(span.link)) drawLink(element, span.link, visible(span.text));
    else setText(element, visible(span.text));
    return undefined;
  }
  const tick = (now: number): void => setText(element, clockText(clock, now));
  tick(context.source.now());
  return clock.until === undefined ? tick : undefined;
}

function drawLink(element: HTMLElement, target: string, text: string): void {
  const drawn = element.querySelector('a');
  if (drawn?.href === new URL(target).href && drawn.textContent === text) return;
  element.replaceChildren(make('a', { href: target, target: '_blank', rel: 'noopener noreferrer' }, text));
}

export function actionButton(action: Action, context: Context, text = ''): HTMLElement {
  const button = make('button', { class: 'nbc-button', type: 'button' }, visible(text || action.label));
  button.addEventListener('click', (event) => {
    event.stopPropagation();
    context.act(button, action);
  });
  return button;
}

/** A part of a heading: a sign, a name, a status, a chip, or facts, which are several spans. */
interface Part {
  kind: 'sign' | 'name' | 'status' | 'chip' | 'facts';
  spans: Span[];
}

function partsOf(spans: readonly AnySpan[]): Part[] {
  const parts: Part[] = [];
  for (const span of spans.map(spanOf)) {
    const isSign = !parts.length && [...span.text.trim()].length === 1;
    const kind = isSign ? 'sign' : span.bold ? 'name' : span.status ? 'status' : span.chip ? 'chip' : 'facts';
    const last = parts.at(-1);
    if (kind !== 'facts') parts.push({ kind, spans: [{ ...span, text: span.text.trim() }] });
    else if (last?.kind === 'facts') last.spans.push(span);
    else if (span.clock || span.action || span.text.trim())
      parts.push({ kind, spans: [{ ...span, text: span.text.trimStart() }] });
  }
  return parts;
}

/** The heading of a picture: names at the left, where it belongs and the Stop button at the right. */
class Heading {
  readonly element = make('div', { class: 'nbc-bar' });
  private readonly right = make('span', { class: 'nbc-right' });
  private drawn: readonly AnySpan[] = [];
  private lost = '';
  private ticks: Tick[] = [];

  constructor(private readonly context: Context) {
    this.element.append(this.right);
  }

  draw(block: LineBlock): Tick[] {
    const { source, running } = this.context;
    const lost = linkText(source);
    this.element.classList.toggle('nbc-ended', !running);
    if (block.spans === this.drawn && lost === this.lost) return this.ticks;
    this.drawn = block.spans;
    this.lost = lost;
    this.ticks = [];
    const parts = partsOf(block.spans);
    this.drawParts(
      this.element,
      parts.filter((part) => part.kind !== 'chip'),
    );
    this.drawParts(
      this.right,
      parts.filter((part) => part.kind === 'chip'),
    );
    return this.ticks;
  }

  /** Draws the parts as the first children of `parent`. */
  private drawParts(parent: HTMLElement, parts: Part[]): void {
    const old = [...parent.querySelectorAll<HTMLElement>(':scope > [data-part]')];
    for (const extra of old.slice(parts.length)) extra.remove();
    parts.forEach((part, index) => {
      let element = old[index];
      if (element?.dataset.part !== part.kind) {
        const made = make(part.kind === 'name' ? 'b' : 'span', { 'data-part': part.kind });
        if (part.kind === 'status') made.setAttribute('role', 'status');
        if (part.kind === 'sign') made.setAttribute('aria-hidden', 'true');
        if (element) element.replaceWith(made);
        else parent.insertBefore(made, parent.querySelector(':scope > :not([data-part])'));
        element = made;
      }
      this.drawPart(element, part);
    });
  }

  private drawPart(element: HTMLElement, part: Part): void {
    if (part.kind === 'facts') {
      setAttribute(element, 'class', 'nbc-facts');
      this.ticks.push(...drawSpans(element, part.spans, this.context));
    } else {
      const [span = { text: '' }] = part.spans;
      const shown: Span = part.kind === 'status' && this.lost ? { text: this.lost, tone: 'warning' } : span;
      const tick = drawSpan(element, shown, this.context);
      if (tick) this.ticks.push(tick);
    }
    if (part.kind !== 'sign') setAttribute(element, 'title', element.textContent || null);
  }
}

/** Draws spans as the children of an element; returns what brings them up to date. */
export function drawSpans(element: HTMLElement, spans: readonly AnySpan[], context: Context): Tick[] {
  while (element.children.length > spans.length) element.lastElementChild?.remove();
  while (element.children.length < spans.length) element.append(make('span'));
  return spans
    .map((span, index) => drawSpan(element.children[index] as HTMLElement, spanOf(span), context))
    .filter((tick) => tick !== undefined);
}

export class LineView implements BlockView<LineBlock> {
  readonly element: HTMLElement = make('div', { class: 'nbc-text-line' });
  private readonly heading: Heading;
  private block: LineBlock | undefined;
  private ticks: Tick[] = [];

  constructor(private readonly context: Context) {
    this.heading = new Heading(context);
  }

  get ticking(): boolean {
    return this.ticks.length > 0;
  }

  draw(block: LineBlock): void {
    if (block.head) {
      this.ticks = this.heading.draw(block);
      if (this.heading.element.parentElement !== this.element)
        this.element.replaceChildren(this.heading.element);
      setAttribute(this.element, 'class', 'nbc-heading');
      return;
    }
    if (block === this.block) return;
    this.block = block;
    setAttribute(this.element, 'class', block.wraps ? 'nbc-text-line nbc-wraps' : 'nbc-text-line');
    this.element.style.paddingLeft = `calc(12px + ${block.indent ?? 0}ch)`;
    this.ticks = drawSpans(this.element, block.spans, this.context);
  }

  tick(now: number): void {
    for (const tick of this.ticks) tick(now);
  }
}
