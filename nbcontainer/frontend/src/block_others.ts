// Progress, buttons, and sections that fold.

import { visible } from './ansi';
import type { ActionsBlock, Block, ProgressBlock, SectionBlock } from './blocks';
import { BlockList, type BlockView, type Context, type Drawer } from './block_views';
import { actionButton, drawSpans, type Tick } from './block_line';
import { make, setAttribute, setText } from './elements';

export class ProgressView implements BlockView<ProgressBlock> {
  private readonly fill = make('i');
  private readonly bar = make(
    'div',
    { class: 'nbc-progress', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 },
    this.fill,
  );
  private readonly text = make('div', { class: 'nbc-text-line nbc-dim' });
  readonly element = make('div', { class: 'nbc-progress-box' }, this.bar, this.text);

  constructor(private readonly context: Context) {}

  draw(block: ProgressBlock): void {
    const { share } = block;
    const text = visible(block.text ?? '');
    setAttribute(this.bar, 'aria-label', text || visible(this.context.source.state.label) || null);
    setAttribute(this.bar, 'aria-valuenow', share === null ? null : String(Math.round(share * 100)));
    setAttribute(this.fill, 'class', block.tone && block.tone !== 'running' ? `nbc-${block.tone}` : null);
    this.fill.style.transform = `scaleX(${Math.max(0, Math.min(1, share ?? 0)).toFixed(3)})`;
    setText(this.text, text);
    this.text.hidden = !text;
  }
}

export class ActionsView implements BlockView<ActionsBlock> {
  readonly element = make('div', { class: 'nbc-actions', role: 'group' });
  private block: ActionsBlock | undefined;

  constructor(private readonly context: Context) {}

  draw(block: ActionsBlock): void {
    if (block === this.block) return;
    this.block = block;
    this.element.replaceChildren(...block.actions.map((action) => actionButton(action, this.context)));
  }
}

export class SectionView implements BlockView<SectionBlock> {
  private readonly title = make('summary', { class: 'nbc-stop-at' });
  private readonly inner = make('div', { class: 'nbc-section-blocks' });
  readonly element = make('details', { class: 'nbc-section' }, this.title, this.inner);
  private readonly list: BlockList;
  private block: SectionBlock | undefined;
  private ticks: Tick[] = [];

  constructor(
    private readonly context: Context,
    drawers: Record<string, Drawer>,
  ) {
    this.list = new BlockList(this.inner, context, drawers);
  }

  get ticking(): boolean {
    return this.ticks.length > 0 || (this.element.open && this.list.ticking);
  }

  draw(block: SectionBlock): void {
    const before = this.block;
    this.block = block;
    // what the user folded or unfolded stays so, until the kernel changes its mind
    if (!before || before.open !== block.open) this.element.open = block.open ?? true;
    if (before?.title !== block.title) this.ticks = drawSpans(this.title, block.title.spans, this.context);
    this.list.draw(block.blocks as Block[]);
  }

  tick(now: number): void {
    for (const tick of this.ticks) tick(now);
    this.list.tick(now);
  }

  dispose(): void {
    this.list.dispose();
  }
}
