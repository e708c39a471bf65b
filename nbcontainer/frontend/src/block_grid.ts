// Rows in columns, with bars on an axis that they share, and outputs that fold below their rows.

import { visible } from './ansi';
import type { AnySpan, GridBlock, Span } from './blocks';
import type { BlockView, Context } from './block_views';
import { drawSpan, spanOf, type Tick } from './block_line';
import { FoldedOutput } from './block_output';
import { make, setAttribute, setText } from './elements';
import { TONE_WORDS } from './strings';

/** Start and end of the bars' axis, as fractions of the width: a bar's place on it. */
interface Axis {
  start: number;
  length: number;
  /** Where an open bar ends. */
  end: number;
}

export class GridView implements BlockView<GridBlock> {
  readonly element = make('div', { class: 'nbc-cells' });
  private readonly head = make('div', { class: 'nbc-cells-row nbc-head-row', role: 'row' });
  private readonly rows = new Map<string, RowView>();
  private block: GridBlock | undefined;

  constructor(private readonly context: Context) {}

  get ticking(): boolean {
    if (this.block && isOpen(this.block)) return true;
    for (const row of this.rows.values()) if (row.ticks.length) return true;
    return false;
  }

  draw(block: GridBlock): void {
    if (block === this.block) return;
    const before = this.block;
    this.block = block;
    const headed = Boolean(block.columns?.length);
    setAttribute(this.element, 'role', !headed ? 'list' : block.outputs ? 'treegrid' : 'table');
    setAttribute(this.element, 'aria-label', visible(block.label ?? '') || null);
    if (before?.columns !== block.columns || !before) this.drawHead(block);
    const shape = shapeOf(block);
    // rows with outputs between them are grids of their own: laying out one grid of 200 such rows takes too long
    const apart = Boolean(block.outputs);
    const classes = ['nbc-cells', block.wraps && 'nbc-wraps', apart && 'nbc-apart'];
    setAttribute(this.element, 'class', classes.filter(Boolean).join(' '));
    this.element.style.setProperty('--nbc-columns', template(block, shape, apart));
    this.drawRows(block, shape, before);
    this.place(axisOf(block, this.context.source.now()));
  }

  tick(now: number): void {
    for (const row of this.rows.values()) for (const tick of row.ticks) tick(now);
    if (this.block && isOpen(this.block)) this.place(axisOf(this.block, now));
  }

  private drawHead(block: GridBlock): void {
    this.head.replaceChildren(
      ...(block.columns ?? []).map((name, index) => {
        const classes = [
          block.right?.includes(index) && 'nbc-number',
          block.optional?.includes(index) && 'nbc-optional',
          index === block.flexible && !block.wraps && 'nbc-cut',
        ];
        const role = name ? 'columnheader' : 'cell';
        return make('span', { role, class: classes.filter(Boolean).join(' ') || undefined }, visible(name));
      }),
    );
    if (block.columns?.length) this.element.prepend(this.head);
    else this.head.remove();
  }

  private drawRows(block: GridBlock, shape: Shape, before: GridBlock | undefined): void {
    const keys = block.rows.map((_row, index) => block.keys?.[index] ?? `${index}`);
    const present = new Set(keys);
    for (const [key, row] of this.rows) {
      if (present.has(key)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
    const anew =
      !before ||
      before.columns !== block.columns ||
      before.group !== block.group ||
      before.right !== block.right;
    let place = block.columns?.length ? this.head.nextElementSibling : this.element.firstElementChild;
    block.rows.forEach((spans, index) => {
      const key = keys[index] ?? '';
      let row = this.rows.get(key);
      if (!row) {
        row = new RowView(this.context, key);
        this.rows.set(key, row);
      }
      row.draw(spans, block, shape, anew);
      row.drawOutput(block.outputs?.[key]);
      if (place === row.element) place = place.nextElementSibling;
      else this.element.insertBefore(row.element, place);
    });
  }

  private place(axis: Axis): void {
    for (const row of this.rows.values()) row.place(axis);
  }
}

const CLOCK = 10; // characters: "59 min 59 s" in a proportional font

/** What a grid's columns hold, which decides their widths. */
interface Shape {
  signs: boolean;
  bars: Set<number>;
  columns: number[];
  /** The most characters in each column. */
  widths: number[];
}

function shapeOf(block: GridBlock): Shape {
  const bars = new Set<number>();
  const filled = new Set<number>();
  const widths: number[] = [];
  let signs = !block.columns?.length;
  for (const row of block.rows) {
    row.forEach((cell, index) => {
      const span = spanOf(cell);
      if (span.bar) bars.add(index);
      if (span.bar || span.text || span.clock || block.columns?.length) filled.add(index);
      widths[index] = Math.max(widths[index] ?? 0, span.clock ? CLOCK : span.text.length);
      if (index === 0 && [...span.text.trim()].length > 1) signs = false;
    });
  }
  const columns = [...filled].filter((index) => index !== block.group).sort((a, b) => a - b);
  return { signs: signs && columns[0] === 0, bars, columns, widths };
}

function template(block: GridBlock, shape: Shape, apart: boolean): string {
  const wide = block.chart || isShare(block);
  const width = (index: number): string => (apart ? `${(shape.widths[index] ?? 0) + 0.5}ch` : 'max-content');
  return shape.columns
    .map((index) => {
      if (index === 0 && shape.signs) return '14px';
      if (shape.bars.has(index) && !wide) return 'var(--nbc-bars)';
      if (shape.bars.has(index)) return `minmax(${block.columns?.[index] ? 'max-content' : '60px'}, 1fr)`;
      if (block.optional?.includes(index)) return `var(--nbc-optional, ${width(index)})`;
      if (index !== block.flexible) return width(index);
      return wide && shape.bars.size ? 'minmax(0, max-content)' : 'minmax(0, 1fr)';
    })
    .join(' ');
}

/** Whether the bars are how much of something is done. */
function isShare({ axis = [0, 1], chart }: GridBlock): boolean {
  return !chart && axis[0] === 0 && axis[1] === 1;
}

/** Whether bars grow with the time. */
function isOpen({ axis = [0, 1], rows }: GridBlock): boolean {
  return axis[1] === null && rows.some((row) => row.some((cell) => spanOf(cell).bar));
}

function axisOf({ axis = [0, 1] }: GridBlock, now: number): Axis {
  const end = axis[1] ?? Math.max(now, axis[0] + 0.1);
  return { start: axis[0], length: end - axis[0], end };
}

class RowView {
  private readonly head = make('div');
  private readonly heading = make('div', { class: 'nbc-stage', hidden: true });
  readonly element = make('div', { class: 'nbc-row-box' }, this.heading, this.head);
  ticks: Tick[] = [];
  private bars: { fill: HTMLElement; bar: [number, number | null] }[] = [];
  private output: FoldedOutput | undefined;
  private spans: readonly AnySpan[] | undefined;

  constructor(
    private readonly context: Context,
    private readonly key: string,
  ) {
    this.head.addEventListener('click', () => this.output?.toggle());
    this.head.addEventListener('keydown', (event) => {
      if (!this.output || event.target !== this.head || (event.key !== 'Enter' && event.key !== ' ')) return;
      event.preventDefault();
      this.output.toggle();
    });
  }

  draw(spans: readonly AnySpan[], block: GridBlock, shape: Shape, anew: boolean): void {
    if (spans === this.spans && this.head.children.length === shape.columns.length && !anew) return;
    this.spans = spans;
    const cells = spans.map(spanOf);
    const headed = Boolean(block.columns?.length);
    const tone = cells[0]?.tone || 'plain';
    setAttribute(this.element, 'role', headed ? 'presentation' : 'listitem');
    setAttribute(this.head, 'class', `nbc-cells-row nbc-is-${headed ? 'plain' : tone}`);
    if (headed) this.head.setAttribute('role', 'row');
    const group = block.group === undefined ? '' : visible(cells[block.group]?.text ?? '');
    setText(this.heading, group);
    this.heading.hidden = !group;
    this.ticks = [];
    this.bars = [];
    while (this.head.children.length > shape.columns.length) this.head.lastElementChild?.remove();
    shape.columns.forEach((index, place) => {
      const span = cells[index] ?? { text: '' };
      let cell = this.head.children[place] as HTMLElement | undefined;
      if (!cell || (cell.tagName === 'DIV') !== Boolean(span.bar)) {
        const made = make(span.bar ? 'div' : 'span');
        if (cell) cell.replaceWith(made);
        else this.head.append(made);
        cell = made;
      }
      if (headed) cell.setAttribute('role', 'cell');
      if (span.bar) this.drawBar(cell, span, cells, isShare(block));
      else this.drawCell(cell, span, index, block, shape);
    });
  }

  private drawCell(cell: HTMLElement, span: Span, index: number, block: GridBlock, shape: Shape): void {
    if (index === 0 && shape.signs) {
      if (cell.children.length !== 2)
        cell.replaceChildren(make('span', { 'aria-hidden': 'true' }), make('span', { class: 'nbc-hidden' }));
      setText(cell.children[0] as Element, visible(span.text));
      setText(cell.children[1] as Element, TONE_WORDS[span.tone ?? ''] ?? '');
      setAttribute(cell, 'class', `nbc-sign-column nbc-${span.tone ?? ''}`);
      return;
    }
    const tick = drawSpan(cell, span, this.context);
    if (tick) this.ticks.push(tick);
    cell.classList.toggle('nbc-number', Boolean(block.right?.includes(index)));
    cell.classList.toggle('nbc-optional', Boolean(block.optional?.includes(index)));
    cell.classList.toggle('nbc-cut', index === block.flexible && !block.wraps);
    const text = index === block.flexible ? (cell.textContent ?? '') : '';
    setAttribute(cell, 'title', text.length > 40 ? text : null);
  }

  private drawBar(cell: HTMLElement, span: Span, cells: readonly Span[], share: boolean): void {
    if (!cell.firstElementChild) cell.append(make('i'));
    const bar = span.bar ?? [0, null];
    setAttribute(cell, 'class', `nbc-gantt nbc-${span.tone || 'plain'}`);
    const progress = share && bar[0] === 0;
    setAttribute(cell, 'role', progress ? 'progressbar' : null);
    setAttribute(cell, 'aria-hidden', progress ? null : 'true');
    const label = cells.find((other) => /[\p{L}\p{N}]/u.test(other.text) && !other.bar);
    setAttribute(cell, 'aria-label', progress ? visible(label?.text ?? '') || null : null);
    setAttribute(cell, 'aria-valuemin', progress ? '0' : null);
    setAttribute(cell, 'aria-valuemax', progress ? '100' : null);
    setAttribute(cell, 'aria-valuenow', progress ? String(Math.round((bar[1] ?? 1) * 100)) : null);
    this.bars.push({ fill: cell.firstElementChild as HTMLElement, bar });
  }

  /** Puts the bars where they belong on the axis. */
  place(axis: Axis): void {
    for (const { fill, bar } of this.bars) {
      const from = Math.max(0, (bar[0] - axis.start) / axis.length);
      const to = Math.min(1, ((bar[1] ?? axis.end) - axis.start) / axis.length);
      fill.hidden = to <= 0 || to < from || (to === from && isFinite(to) && bar[0] === 0);
      fill.style.left = `${(Math.min(from, 0.98) * 100).toFixed(2)}%`;
      fill.style.width = `${(Math.max(0, to - from) * 100).toFixed(2)}%`;
    }
  }

  drawOutput(block: Parameters<FoldedOutput['draw']>[0] | undefined): void {
    if (!block) {
      this.output?.element.remove();
      this.output = undefined;
    } else {
      if (!this.output) {
        this.output = new FoldedOutput(
          () => this.drawFold(),
          () => void this.context.source.act('unfold', { row: this.key }),
        );
        this.element.append(this.output.element);
      }
      this.output.draw(block);
    }
    this.drawFold();
  }

  private drawFold(): void {
    const output = this.output;
    const row = this.head.getAttribute('role') === 'row';
    if (!row) setAttribute(this.head, 'role', output ? 'button' : null);
    setAttribute(this.head, 'tabindex', output ? '0' : null);
    setAttribute(this.head, 'aria-expanded', output ? String(output.isOpen && !output.element.hidden) : null);
    this.head.classList.toggle('nbc-stop-at', Boolean(output));
  }
}
