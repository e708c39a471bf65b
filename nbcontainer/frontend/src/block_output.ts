// The output of a program: lines that are only added at the end, and dropped at the front.

import { draw, visible } from './ansi';
import type { OutputBlock } from './blocks';
import type { BlockView } from './block_views';
import { make, setAttribute, setText } from './elements';
import { counted } from './format';
import { STRINGS } from './strings';

const toScroll = new Set<HTMLElement>();

/** Scrolls an element to its end once everything is drawn: reading a height in between would lay out the page again. */
function scrollLater(element: HTMLElement): void {
  if (!toScroll.size) {
    queueMicrotask(() => {
      const heights = [...toScroll].map((each) => each.scrollHeight);
      [...toScroll].forEach((each, index) => (each.scrollTop = heights[index] ?? 0));
      toScroll.clear();
    });
  }
  toScroll.add(element);
}

/** The lines of an output. New ones are appended; the view stays at the end until the user scrolls. */
export class OutputLines {
  readonly element = make('div', {
    class: 'nbc-output nbc-code',
    role: 'log',
    'aria-live': 'off',
    'aria-label': STRINGS.output,
  });
  private readonly ending = make('div', { hidden: true });
  private lines: readonly string[] = [];
  private total = 0;
  private atEnd = true;

  constructor() {
    this.element.append(this.ending);
    const leave = (): void => void (this.atEnd = false);
    this.element.addEventListener('wheel', leave, { passive: true });
    this.element.addEventListener('keydown', leave);
    this.element.addEventListener('pointerdown', leave);
    // the first draw may happen before the view is attached to the page, when nothing scrolls yet
    new ResizeObserver(() => this.scrollToEnd()).observe(this.element);
  }

  /** Draws these lines, of an output that has `total` in all. */
  draw(lines: readonly string[], total: number, ending: string, tone: string): void {
    const dropped = this.lines.length - (lines.length - (total - this.total));
    const kept = this.lines.length - dropped;
    const goesOn =
      dropped >= 0 &&
      kept > 0 &&
      kept <= lines.length &&
      this.lines.slice(dropped).every((line, at) => line === lines[at]);
    if (goesOn) for (let gone = 0; gone < dropped; gone++) this.element.firstElementChild?.remove();
    else this.element.replaceChildren(this.ending);
    const added = lines.slice(goesOn ? kept : 0).map((line) => {
      const element = make('div');
      draw(element, line, null);
      return element;
    });
    this.ending.before(...added);
    this.lines = lines;
    this.total = total;
    setText(this.ending, visible(ending));
    setAttribute(this.ending, 'class', `nbc-${tone}`);
    this.ending.hidden = !ending;
    // a scrollable region must be reachable by keyboard
    setAttribute(this.element, 'tabindex', lines.length > 12 ? '0' : null);
    this.scrollToEnd();
  }

  private scrollToEnd(): void {
    if (this.atEnd) scrollLater(this.element);
  }
}

/** The output of a row: folded until the user opens it, unless the kernel says otherwise. */
export class FoldedOutput {
  private readonly lines = new OutputLines();
  private readonly more = make('button', { class: 'nbc-more', type: 'button' });
  readonly element = make('div', { class: 'nbc-output-box', hidden: true }, this.lines.element, this.more);
  /** null: the block decides; else what the user chose. */
  private open: boolean | null = null;
  private block: OutputBlock | undefined;

  /**
   * `changed` is called when the user folded or unfolded it by its own button, `wanted` if it was unfolded but the
   * kernel has sent only its end.
   */
  constructor(
    private readonly changed: () => void,
    private readonly wanted: () => void,
  ) {
    this.more.addEventListener('click', () => this.toggle());
  }

  get isOpen(): boolean {
    return this.open ?? this.block?.open ?? true;
  }

  toggle(): void {
    this.open = !this.isOpen;
    const block = this.block;
    if (this.open && block && block.lines.length < (block.count ?? 0)) this.wanted();
    this.block = undefined;
    if (block) this.draw(block);
    this.changed();
  }

  draw(block: OutputBlock): void {
    if (block === this.block) return;
    this.block = block;
    const all = this.isOpen;
    const preview = this.open === null ? (block.preview ?? 0) : 0;
    const lines = all ? block.lines : preview ? block.lines.slice(-preview) : [];
    const total = Math.max(block.count ?? 0, block.lines.length);
    const ending = all ? (block.ending ?? '') : '';
    this.element.hidden = !lines.length && !ending;
    if (this.element.hidden) return;
    setAttribute(this.element, 'class', `nbc-output-box nbc-edge-${block.tone || 'dim'}`);
    this.lines.draw(lines, total, ending, block.tone ?? '');
    const hidden = total - lines.length;
    const rest = all && hidden > 0 && block.rest ? ` · ${STRINGS.restIn(visible(block.rest))}` : '';
    this.more.hidden = hidden <= 0 && (!all || block.open !== false);
    setText(
      this.more,
      `${counted(total, STRINGS.line)} · ${all ? STRINGS.showLess : STRINGS.showAll}${rest}`,
    );
  }
}

export class OutputView implements BlockView<OutputBlock> {
  private readonly lines = new OutputLines();
  readonly element = make('div', { class: 'nbc-output-box' }, this.lines.element);
  private block: OutputBlock | undefined;

  draw(block: OutputBlock): void {
    if (block === this.block) return;
    this.block = block;
    setAttribute(this.element, 'class', `nbc-output-box nbc-edge-${block.tone || 'dim'}`);
    this.lines.draw(
      block.lines,
      Math.max(block.count ?? 0, block.lines.length),
      block.ending ?? '',
      block.tone ?? '',
    );
  }
}
