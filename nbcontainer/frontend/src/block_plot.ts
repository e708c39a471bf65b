// Curves with their scales, as nbcontainer/views/charts.py laid them out, and a table of the values for screen readers.

import { visible } from './ansi';
import type { PlotBlock } from './blocks';
import type { BlockView, Context } from './block_views';
import { GridView } from './block_grid';
import { make, setAttribute } from './elements';
import { TONE_SIGNS } from './strings';

const DASHES = ['', '6 4', '1.5 4', '10 3 2 3']; // curves differ by more than their colour
const SIZE = 1000; // of the square that the paths are drawn in

export class PlotView implements BlockView<PlotBlock> {
  private readonly legend = make('div', { class: 'nbc-legend' });
  private readonly upward = make('div', { class: 'nbc-upward' });
  private readonly across = make('div', { class: 'nbc-across' });
  private readonly curves = svg('svg', { viewBox: `0 0 ${SIZE} ${SIZE}`, preserveAspectRatio: 'none' });
  private readonly axes = make('div', { class: 'nbc-axes', 'aria-hidden': 'true' });
  private readonly table: GridView;
  readonly element = make('div', { class: 'nbc-plot', role: 'group' });
  private block: PlotBlock | undefined;

  constructor(context: Context) {
    this.table = new GridView(context);
    this.axes.append(this.upward, this.curves, make('span'), this.across);
    this.element.append(this.legend, this.axes, make('div', { class: 'nbc-hidden' }, this.table.element));
  }

  draw(block: PlotBlock): void {
    if (block === this.block) return;
    this.block = block;
    setAttribute(this.element, 'aria-label', visible(block.label ?? '') || null);
    const styles = block.curves.map(({ tone }, index) => ({
      class: `nbc-curve nbc-${tone ?? (index ? 'plain' : 'first')}`,
      'stroke-dasharray': DASHES[index % DASHES.length] ?? '',
    }));
    this.legend.replaceChildren(
      ...block.curves.map(({ name, latest = '', tone = '' }, index) => {
        const sample = svg('svg', { viewBox: '0 0 24 8', class: 'nbc-sample', 'aria-hidden': 'true' });
        sample.append(svg('path', { ...styles[index], d: 'M1 4H23' }));
        const words = [TONE_SIGNS[tone], visible(name)].filter(Boolean).join(' ');
        return make('span', {}, sample, make('span', { class: `nbc-${tone}` }, words), make('b', {}, latest));
      }),
    );
    const steps = block.upward.map(([place]) => `M0 ${Math.round(SIZE - place * SIZE)}H${SIZE}`).join('');
    this.curves.replaceChildren(
      svg('path', { class: 'nbc-steps', d: steps }),
      ...block.curves.flatMap(({ path, dots = '' }, index) => [
        svg('path', { ...styles[index], d: path }),
        svg('path', { class: `${styles[index]?.class} nbc-dots`, d: dots }),
      ]),
    );
    this.upward.replaceChildren(...block.upward.map(([, text]) => make('span', {}, visible(text))));
    this.across.replaceChildren(
      ...block.across.map(([place, text]) => {
        const tick = make('span', {}, visible(text));
        tick.style.left = `${place * 100}%`;
        tick.style.transform = `translateX(-${place * 100}%)`; // the first and the last remain inside
        return tick;
      }),
    );
    this.table.draw({ ...block.table, kind: 'grid', key: '' });
  }
}

function svg(name: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) if (value) element.setAttribute(key, value);
  return element;
}
