// The view of a push or pull: its layers, with bars and bytes.

import { visible } from './ansi';
import { make, setAttribute, setCutText, setText } from './elements';
import { bytes, counted, seconds, shortDigest } from './format';
import { applyTransfer, type ImageTransfer, type Layer, type TransferMessage } from './images_wire';
import { linkText, liveWidget, type Live, type View } from './live';
import { StopButton, Ticker } from './running';

class LayerRow {
  private readonly sign = make('span', { class: 'nbc-sign-column', 'aria-hidden': 'true' });
  private readonly name = make('span', { class: 'nbc-code nbc-name' });
  private readonly fill = make('i');
  private readonly bar = make(
    'span',
    { class: 'nbc-gantt', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 },
    this.fill,
  );
  private readonly amount = make('span', { class: 'nbc-number nbc-dim' });
  private readonly status = make('span', { class: 'nbc-dim' });
  readonly element = make(
    'div',
    { role: 'listitem' },
    this.sign,
    this.name,
    this.bar,
    this.amount,
    this.status,
  );

  draw(layer: Layer, running: boolean): void {
    const [sign, tone] = look(layer, running);
    setAttribute(this.element, 'class', `nbc-layer ${tone}`);
    setText(this.sign, sign);
    setText(this.name, visible(layer.id));
    setAttribute(this.bar, 'aria-label', layer.id);
    const share = layer.done ? 1 : layer.total ? Math.min(1, layer.current / layer.total) : 0;
    setAttribute(this.bar, 'aria-valuenow', String(Math.round(share * 100)));
    this.fill.style.width = `${(share * 100).toFixed(1)}%`;
    this.fill.hidden = share === 0;
    const part = !layer.done && layer.current > 0;
    const total = layer.total ? bytes(layer.total) : '';
    setText(this.amount, part ? bytes(layer.current) + (total ? ` / ${total}` : '') : total);
    setText(this.status, layer.done || running ? visible(layer.status).toLowerCase() : 'not done');
  }
}

function look(layer: Layer, running: boolean): [string, string] {
  if (layer.skipped) return ['●', 'nbc-cached'];
  if (layer.done) return ['✓', 'nbc-good'];
  return layer.current && running ? ['◐', 'nbc-running'] : ['○', 'nbc-dim'];
}

class TransferView implements View {
  private readonly title = make('b');
  private readonly phase = make('span', { role: 'status' });
  private readonly head: HTMLElement;
  private readonly facts = make('span', { class: 'nbc-dim nbc-facts' });
  private readonly where = make('span', { class: 'nbc-chip' });
  private readonly bar = make('i');
  private readonly progress = make(
    'div',
    { class: 'nbc-progress', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 },
    this.bar,
  );
  private readonly layers = make('div', { class: 'nbc-layers', role: 'list', 'aria-label': 'Layers' });
  private readonly rows = new Map<string, LayerRow>();
  private readonly stop: StopButton;
  private readonly ticker: Ticker;

  constructor(
    element: HTMLElement,
    private readonly live: Live<ImageTransfer>,
  ) {
    this.stop = new StopButton(live);
    const right = make('span', { class: 'nbc-right' }, this.where, this.stop.element);
    this.head = make('div', { class: 'nbc-bar' }, this.title, this.phase, this.facts, right);
    const root = make(
      'div',
      { class: 'nbc nbc-transfer', role: 'group' },
      this.head,
      this.progress,
      this.layers,
    );
    setAttribute(root, 'aria-label', live.state.direction === 'pull' ? 'Pull' : 'Push');
    setAttribute(this.progress, 'aria-label', live.state.direction === 'pull' ? 'Pull' : 'Push');
    element.append(root);
    this.ticker = new Ticker(root, () => this.tick());
  }

  draw(): void {
    const transfer = this.live.state;
    const running = !transfer.outcome && !this.live.finished && this.live.link !== 'gone';
    setCutText(this.title, visible(transfer.image || 'image'));
    const [text, tone] = phase(transfer, this.live);
    setText(this.phase, text);
    setAttribute(this.phase, 'class', tone);
    // a name such as quay.io/team/web already includes the registry
    const host = transfer.image.startsWith(`${transfer.host}/`) ? '' : transfer.host;
    setCutText(this.where, [host, transfer.engine].filter(Boolean).map(visible).join(' · '));
    this.where.hidden = !host && !transfer.engine;
    for (const layer of transfer.layers) this.row(layer.id).draw(layer, running);
    this.layers.hidden = !transfer.layers.length;
    const total = transfer.layers.reduce((sum, layer) => sum + weight(layer), 0);
    const done = transfer.layers.reduce(
      (sum, layer) => sum + (layer.done ? weight(layer) : layer.current),
      0,
    );
    const share = total ? Math.min(1, done / total) : 0;
    this.progress.hidden = !running;
    setAttribute(this.progress, 'aria-valuenow', String(Math.round(share * 100)));
    this.bar.style.transform = `scaleX(${share.toFixed(3)})`;
    this.head.classList.toggle('nbc-ended', !running);
    this.stop.draw(running);
    this.ticker.run(running);
    this.tick();
  }

  dispose(): void {
    this.ticker.run(false);
  }

  private row(id: string): LayerRow {
    let row = this.rows.get(id);
    if (!row) {
      row = new LayerRow();
      this.rows.set(id, row);
      this.layers.append(row.element);
    }
    return row;
  }

  private tick(): void {
    const transfer = this.live.state;
    const there = transfer.layers.filter((layer) => layer.skipped).length;
    const took = transfer.started ? seconds((transfer.ended ?? this.live.now()) - transfer.started) : '';
    const facts =
      transfer.outcome === 'done'
        ? [transfer.digest && shortDigest(transfer.digest), transfer.size ? bytes(transfer.size) : '', took]
        : [
            transfer.layers.length
              ? `${transfer.layers.filter((layer) => layer.done).length} of ${counted(transfer.layers.length, 'layer')}`
              : '',
            transfer.ended === null && this.live.finished ? '' : took,
          ];
    setCutText(this.facts, [...facts, there ? `${there} already there` : ''].filter(Boolean).join(' · '));
  }
}

/** A layer's share of the total: its bytes, or a small number where they are unknown. */
function weight(layer: Layer): number {
  return layer.total || Math.max(layer.current, 1000);
}

function phase(transfer: ImageTransfer, live: Live<ImageTransfer>): [string, string] {
  const stem = transfer.direction === 'pull' ? 'pull' : 'push';
  if (transfer.outcome === 'done') return [`✓ ${stem}ed`, 'nbc-good'];
  if (transfer.outcome === 'stopped' || live.stopped) return ['■ stopped', 'nbc-warning'];
  if (live.finished) return ['✕ failed', 'nbc-bad'];
  const lost = linkText(live);
  if (lost) return [lost, 'nbc-warning'];
  return [`${stem}ing`, 'nbc-running'];
}

export default liveWidget<ImageTransfer, TransferMessage>({
  apply: applyTransfer,
  mount: (element, live) => new TransferView(element, live),
});
