// Draws the pictures of nbcontainer/views/kit.py: blocks, each by the view of its kind.
//
// `drawPicture` needs no widget: whatever has a state and passes on what the user does can be its source.

import { applyPicture, type Action, type Picture, type PictureChange } from './blocks';
import { BlockList, type Context, type Drawer } from './block_views';
import { LineView } from './block_line';
import { GridView } from './block_grid';
import { OutputView } from './block_output';
import { PlotView } from './block_plot';
import { TreeView } from './block_tree';
import { ActionsView, ProgressView, SectionView } from './block_others';
import { make, setAttribute } from './elements';
import { visible } from './ansi';
import { liveWidget, type Live, type View } from './live';
import { requestCells } from './new_cells';
import { StopButton, Ticker } from './running';
import { STRINGS } from './strings';

/** What draws each kind of block. */
export const drawers: Record<string, Drawer> = {
  line: (context) => new LineView(context),
  grid: (context) => new GridView(context),
  output: () => new OutputView(),
  tree: (context) => new TreeView(context),
  plot: (context) => new PlotView(context),
  progress: (context) => new ProgressView(context),
  actions: (context) => new ActionsView(context),
  section: (context) => new SectionView(context, drawers),
};

/** Draws a picture inside `element`; call `draw` when the source has changed. */
export function drawPicture(element: HTMLElement, source: Live<Picture>): View {
  return new PictureView(element, source);
}

class PictureView implements View, Context {
  readonly stop: StopButton;
  private readonly root = make('div', { class: 'nbc nbc-picture', role: 'group' });
  private readonly list: BlockList;
  private readonly ticker: Ticker;

  constructor(
    element: HTMLElement,
    readonly source: Live<Picture>,
  ) {
    this.stop = new StopButton(source);
    this.list = new BlockList(this.root, this, drawers);
    this.ticker = new Ticker(this.root, () => this.list.tick(source.now()));
    this.root.addEventListener('keydown', (event) => moveFocus(this.root, event));
    element.append(this.root);
  }

  get running(): boolean {
    return !this.source.finished && this.source.link !== 'gone';
  }

  draw(): void {
    const { blocks, label } = this.source.state;
    setAttribute(this.root, 'aria-label', visible(label) || null);
    this.list.draw(blocks);
    // where there is no heading, the button is at the end of the first line
    const place = this.root.querySelector('.nbc-right') ?? this.root.firstElementChild;
    if (place && this.stop.element.parentElement !== place) place.append(this.stop.element);
    this.stop.draw(this.running);
    this.ticker.run(this.running && this.list.ticking);
  }

  dispose(): void {
    this.ticker.run(false);
    this.list.dispose();
  }

  act(element: HTMLElement, action: Action): void {
    const { magic, verb, values = {}, changes = false } = action;
    void this.source.act('magic', { magic, verb, values }).then(async (reply) => {
      const { source, refused } = (reply ?? {}) as { source?: string; refused?: string };
      if (source === undefined) return say(element, refused ?? STRINGS.unavailable);
      if (requestCells(element, { sources: [source], run: !changes })) return;
      try {
        await navigator.clipboard.writeText(source);
        say(element, `${STRINGS.copied}${source}`);
      } catch {
        say(element, STRINGS.noClipboard);
      }
    });
  }
}

const SAID = 2500; // milliseconds that a message stays

/** Shows a message beside a button for a moment. */
function say(element: HTMLElement, text: string): void {
  const message = make('span', { class: 'nbc-dim', role: 'status' }, visible(text));
  element.after(message);
  setTimeout(() => message.remove(), SAID);
}

/** Arrow keys move between rows that have output, and sections. */
function moveFocus(root: HTMLElement, event: KeyboardEvent): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const stops = [...root.querySelectorAll<HTMLElement>('.nbc-stop-at')];
  const at = stops.indexOf(event.target as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  event.stopPropagation(); // otherwise the notebook moves to the next cell
  stops[at + (event.key === 'ArrowDown' ? 1 : -1)]?.focus();
}

export default liveWidget<Picture, PictureChange>({
  apply: applyPicture,
  mount: drawPicture,
});
