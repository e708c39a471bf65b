// Pods that are starting or terminating: one line each, and Stop while a cell waits for them.

import { visible } from './ansi';
import { make, setAttribute, setCutText, setText } from './elements';
import { linkText, liveWidget, type Live, type View } from './live';
import { StopButton, Ticker } from './running';

/** What the kernel sends about one pod. Mirrors PodRow in nbcontainer/views/pods.py. */
interface PodRow {
  name: string;
  words: string;
  tone: string;
  sign: string;
  where: string;
  note: string;
  /** When its wait started, and when it ended: seconds since the epoch; `until` is 0 while it lasts. */
  since: number;
  until: number;
}

interface PodsWire {
  rows: PodRow[];
  more: string;
}

class PodLine {
  private readonly sign = make('span', { 'aria-hidden': 'true' });
  private readonly name = make('b');
  private readonly words = make('span', { role: 'status' });
  private readonly took = make('span', { class: 'nbc-dim nbc-counts' });
  private readonly where = make('span', { class: 'nbc-chip' });
  readonly right = make('span', { class: 'nbc-right' }, this.where);
  private readonly note = make('div', { class: 'nbc-pod-note nbc-dim' });
  readonly element = make(
    'div',
    { role: 'listitem' },
    make('div', { class: 'nbc-bar' }, this.sign, this.name, this.words, this.took, this.right),
    this.note,
  );
  private row: PodRow | undefined;

  draw(row: PodRow, lost: string): void {
    this.row = row;
    const waiting = row.tone === 'running';
    setAttribute(this.sign, 'class', `nbc-${row.tone}`);
    setText(this.sign, row.sign);
    setCutText(this.name, visible(`pod/${row.name}`));
    setText(this.words, (waiting && lost) || visible(row.words.trim()));
    setAttribute(this.words, 'class', waiting && lost ? 'nbc-warning' : `nbc-${row.tone}`);
    setCutText(this.where, visible(row.where));
    this.where.hidden = !row.where;
    setText(this.note, visible(row.note));
    this.note.hidden = !row.note;
  }

  tick(now: number): void {
    const { since, until } = this.row ?? { since: 0, until: 0 };
    const took = since ? (until || now) - since : 0;
    setText(this.took, took >= 1 ? `${Math.round(took)} s` : '');
  }
}

class PodsView implements View {
  private readonly list = make('div', { role: 'list' });
  private readonly more = make('div', { class: 'nbc-pod-note nbc-dim' });
  private readonly root = make(
    'div',
    { class: 'nbc nbc-pods', role: 'group', 'aria-label': 'Pods' },
    this.list,
    this.more,
  );
  private readonly lines: PodLine[] = [];
  private readonly stop: StopButton;
  private readonly ticker = new Ticker(this.root, () => this.tick());

  constructor(
    element: HTMLElement,
    private readonly live: Live<PodsWire>,
  ) {
    this.stop = new StopButton(live);
    element.append(this.root);
  }

  draw(): void {
    const { rows, more } = this.live.state;
    const running = !this.live.finished && this.live.link !== 'gone';
    while (this.lines.length < rows.length) {
      const line = new PodLine();
      this.lines.push(line);
      this.list.append(line.element);
    }
    for (const line of this.lines.splice(rows.length)) line.element.remove();
    rows.forEach((row, index) => this.lines[index]?.draw(row, linkText(this.live)));
    setText(this.more, visible(more));
    this.more.hidden = !more;
    const first = this.lines[0];
    if (first && this.stop.element.parentElement !== first.right) first.right.append(this.stop.element);
    this.stop.draw(running);
    this.ticker.run(running);
    this.tick();
  }

  dispose(): void {
    this.ticker.run(false);
  }

  private tick(): void {
    for (const line of this.lines) line.tick(this.live.now());
  }
}

export default liveWidget<PodsWire, PodsWire>({
  apply: (_state, message) => message,
  mount: (element, live) => new PodsView(element, live),
});
