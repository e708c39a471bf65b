// What draws one kind of block, and the list of blocks that a picture or a section is.
//
// To add a kind, write a file with a class that is a BlockView, and name it in `drawers` (picture.ts):
//
//   export class TreeView implements BlockView<TreeBlock> {
//     readonly element = make('div', { role: 'tree' });
//     constructor(private readonly context: Context) {}
//     draw(block: TreeBlock): void { … }   // called when the block changed, and when the link to the kernel did
//     tick(now: number): void { … }        // optional: bring what depends on the time up to date
//   }
//
// `draw` must leave elements alone that look the same: the user's focus, selection and scroll position are in them. What
// has not changed since the last `draw` is the same object (`===`), at every depth: rows, outputs, blocks of a section.
// Text goes through `visible` (ansi.ts) or `draw` (of a program's output), and is set as text, never as HTML. Elements
// that can be reached by the keyboard and belong to a list of rows have the class `nbc-stop-at`: arrow keys move
// between them.

import type { Action, Block, Picture } from './blocks';
import { setAttribute } from './elements';
import type { Live } from './live';
import type { StopButton } from './running';

export interface BlockView<Kind extends Block = Block> {
  readonly element: HTMLElement;
  /** Whether it has something that depends on the time: then `tick` is called ten times a second. */
  readonly ticking?: boolean;
  draw(block: Kind): void;
  tick?(now: number): void;
  dispose?(): void;
}

/** What block views share. */
export interface Context {
  /** Where the picture comes from: its state, whether it is live, and what the kernel can be asked. */
  readonly source: Live<Picture>;
  /** For the heading of the picture. */
  readonly stop: StopButton;
  /** Whether something may still change. */
  readonly running: boolean;
  /** Runs an action: its magic goes into a cell below. The element says where, and shows what cannot be done. */
  act(element: HTMLElement, action: Action): void;
}

export type Drawer = (context: Context) => BlockView<never>;

/** Blocks, one below the other, each with the view that draws it. */
export class BlockList {
  private readonly views = new Map<string, { kind: string; view: BlockView<never> }>();

  constructor(
    readonly element: HTMLElement,
    private readonly context: Context,
    private readonly drawers: Record<string, Drawer>,
  ) {}

  draw(blocks: readonly Block[]): void {
    const keys = new Set(blocks.map((block) => block.key));
    for (const [key, { kind, view }] of this.views) {
      if (keys.has(key) && blocks.some((block) => block.key === key && block.kind === kind)) continue;
      view.dispose?.();
      view.element.remove();
      this.views.delete(key);
    }
    let place: Element | null = this.element.firstElementChild;
    for (const block of blocks) {
      const view = this.view(block);
      view.draw(block as never);
      setAttribute(view.element, 'data-block', block.key);
      if (place === view.element) place = place.nextElementSibling;
      else this.element.insertBefore(view.element, place);
    }
  }

  get ticking(): boolean {
    return [...this.views.values()].some(({ view }) => view.ticking);
  }

  tick(now: number): void {
    for (const { view } of this.views.values()) if (view.ticking) view.tick?.(now);
  }

  dispose(): void {
    for (const { view } of this.views.values()) view.dispose?.();
  }

  private view(block: Block): BlockView<never> {
    const known = this.views.get(block.key);
    if (known) return known.view;
    const view = (this.drawers[block.kind] ?? (() => new Unknown()))(this.context);
    this.views.set(block.key, { kind: block.kind, view });
    return view;
  }
}

/** A block that a newer kernel sent to an older page. */
class Unknown implements BlockView {
  readonly element = document.createElement('div');

  draw(): void {
    this.element.hidden = true;
  }
}
