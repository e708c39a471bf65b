// The log view: a list of lines that follows the end, with search over the whole log, pause, wrap, times and copy.

import { visible } from './ansi';
import { make, setAttribute, setCutText, setText } from './elements';
import { counted } from './format';
import { KeysPanel } from './keys';
import { linkText, liveWidget, type Live, type View } from './live';
import { LogFoot, button } from './logs_foot';
import { shorten } from './logs_lines';
import { LogList } from './logs_list';
import { LogSearch, highlights } from './logs_search';
import { LOG, STRINGS } from './strings';
import { LogStore, REPLY_LINES, type LogWire, type WireLines } from './logs_store';

const TYPING = 60; // milliseconds after the last keystroke before a search starts
const RETRY = 1000; // milliseconds before lines that did not arrive are requested again
const AHEAD = 512; // lines above and below the visible ones that the page gets before they are scrolled to

const FEW = 8; // an ended log of so few lines has no search box, and a footer only if a line is too wide

const stores = new WeakMap<LogWire, LogStore>();

/** The store for a snapshot and the messages after it. */
function storeOf(snapshot: LogWire): LogStore {
  let store = stores.get(snapshot);
  if (!store) {
    store = new LogStore();
    store.apply(snapshot, performance.now());
    stores.set(snapshot, store);
  }
  return store;
}

class LogView implements View {
  private store: LogStore;
  private readonly list: LogList;
  private readonly search: LogSearch;
  private readonly foot: LogFoot;
  private readonly root: HTMLElement;
  private readonly verb = make('b');
  private readonly title = make('span', { class: 'nbc-chip' });
  private readonly where = make('span', { class: 'nbc-chip' });
  private readonly counts = make('span', { class: 'nbc-dim nbc-counts' });
  private readonly input = make('input', {
    class: 'nbc-input nbc-search',
    type: 'search',
    placeholder: LOG.searchHint,
    'aria-label': LOG.search,
    title: LOG.searchTitle,
    spellcheck: 'false',
    autocomplete: 'off',
  });
  private readonly hits = make('span', { class: 'nbc-dim nbc-hits', 'aria-live': 'polite' });
  private readonly regex = button('.*', LOG.regex, () => this.toggleRegex(), LOG.regex);
  private readonly previous = button('↑', `${LOG.previous} (N)`, () => this.step(-1), LOG.previous);
  private readonly next = button('↓', `${LOG.next} (n)`, () => this.step(1), LOG.next);
  private readonly pause = button(LOG.pause, LOG.pauseTitle, () => this.togglePause());
  private readonly stop = button(STRINGS.stop, LOG.stopTitle, () => this.stopFollowing());
  private readonly status = make('span', { class: 'nbc-status', role: 'status' });
  private readonly jump = make('button', {
    class: 'nbc-button nbc-jump',
    type: 'button',
    onclick: () => this.list.toEnd(),
  });
  private readonly help = new KeysPanel();
  private pausedAt = 0;
  private fetching = false;
  private typing = 0;
  private readonly timer: number;

  constructor(
    element: HTMLElement,
    private readonly live: Live<LogWire>,
  ) {
    this.store = storeOf(live.state);
    this.search = new LogSearch(
      (name, detail) => live.act(name, detail),
      (first) => this.searched(first),
    );
    this.search.total = () => this.store.total;
    this.list = new LogList(this.store, {
      moved: () => {
        this.drawFollow();
        this.foot.draw();
      },
      shown: (from, to) => void this.fetch(from, to),
    });
    this.list.times = this.store.times;
    this.foot = new LogFoot(this.list, live, (line) => this.goTo(line));
    this.root = this.build();
    this.listen();
    element.append(this.root);
    this.timer = window.setInterval(() => {
      if (!document.hidden) this.drawCounts(); // the rate drops when no lines arrive
    }, 1000);
  }

  private build(): HTMLElement {
    const search = make(
      'span',
      { class: 'nbc-group nbc-searching' },
      this.input,
      this.regex,
      this.hits,
      this.previous,
      this.next,
    );
    const bar = make(
      'div',
      { class: 'nbc-bar' },
      this.verb,
      this.title,
      this.where,
      this.counts,
      search,
      make('span', { class: 'nbc-group nbc-ending' }, this.pause, this.stop, this.status),
    );
    return make(
      'div',
      { class: 'nbc nbc-log', role: 'group' },
      bar,
      this.help.element,
      this.foot.fields.element,
      make('div', { class: 'nbc-frame' }, this.list.head, this.list.element, this.jump),
      this.foot.element,
    );
  }

  private listen(): void {
    this.input.addEventListener('input', () => {
      window.clearTimeout(this.typing);
      this.typing = window.setTimeout(() => this.startSearch(), TYPING);
    });
    this.input.addEventListener('keydown', (event) => {
      event.stopPropagation();
      if (event.key === 'Enter') {
        if (this.input.value === this.search.query) this.step(event.shiftKey ? -1 : 1);
        else this.startSearch();
      } else if (event.key === 'Escape') {
        if (this.input.value) {
          this.input.value = '';
          this.startSearch();
        } else this.list.element.focus();
      } else return;
      event.preventDefault();
    });
    this.list.element.addEventListener('keydown', (event) => this.onKey(event));
    document.addEventListener('selectionchange', this.onSelection);
  }

  // text must not scroll away while the user selects it
  private readonly onSelection = (): void => {
    const selection = document.getSelection();
    if (!this.list.follow || !selection || selection.isCollapsed || !selection.anchorNode) return;
    if (this.list.element.contains(selection.anchorNode)) {
      this.list.follow = false;
      this.drawFollow();
    }
  };

  draw(): void {
    const store = storeOf(this.live.state);
    if (store !== this.store) {
      this.store = this.list.store = store;
    }
    this.list.highlight = highlights(store.highlight);
    this.list.total = store.total + (store.notes.has(store.total) ? 1 : 0); // a note may follow the last line
    const sources = store.sources.size;
    const names = [visible(store.title), sources > 1 ? LOG.sources(sources) : ''];
    if (!store.title && sources === 1) names.push(shorten([...store.sources.keys()][0] ?? ''));
    setText(this.verb, visible(store.verb));
    setAttribute(this.root, 'aria-label', visible(`${store.verb} ${store.title}`.trim()));
    setCutText(this.title, names.filter(Boolean).join(' · '));
    this.title.hidden = !this.title.textContent;
    setCutText(this.where, visible(store.where));
    this.where.hidden = !store.where;
    setAttribute(this.list.element, 'aria-label', LOG.linesOf(visible(store.title)));
    this.list.request();
    this.drawCounts();
    this.drawFollow();
    this.drawSearch();
    this.foot.draw();
  }

  private drawCounts(): void {
    const { store } = this;
    const rate = store.rate(performance.now());
    const parts = [counted(store.total, STRINGS.line)];
    if (rate > 0 && !this.live.finished)
      parts.push(`${Math.max(1, Math.round(rate)).toLocaleString('en-US')}/s`);
    setText(this.counts, parts.join(' · '));
  }

  private drawFollow(): void {
    const { store, list } = this;
    const lost = linkText(this.live);
    const running = !this.live.finished && this.live.link !== 'gone' && !store.ending[0];
    this.root.classList.toggle('nbc-few', !running && store.total <= FEW && !this.search.query);
    this.root.classList.toggle('nbc-fits', !list.overflows);
    if (list.follow) this.pausedAt = store.total;
    const fresh = store.total - this.pausedAt;
    setText(this.pause, list.follow ? LOG.pause : LOG.resume);
    this.pause.hidden = this.stop.hidden = !running;
    setText(this.jump, fresh > 0 ? LOG.fresh(fresh) : LOG.toEnd);
    this.jump.hidden = list.follow || (!running && fresh === 0);
    const [text, tone] = lost
      ? [lost, 'warning']
      : !running
        ? store.ending
        : list.follow
          ? [STRINGS.live, 'good']
          : [LOG.paused, 'warning'];
    setText(this.status, text ?? '');
    this.status.hidden = !text;
    this.status.className = `nbc-status nbc-${tone}`;
  }

  private drawSearch(): void {
    const { search } = this;
    const count = search.count;
    const all = count.toLocaleString('en-US');
    let text = '';
    if (search.query)
      text = search.current < 0 ? all : STRINGS.of((search.current + 1).toLocaleString('en-US'), all);
    if (search.query && search.busy) text += ' …';
    setText(this.hits, search.trouble ? LOG.invalidRegex : text);
    setAttribute(this.input, 'aria-invalid', search.trouble ? 'true' : null);
    this.hits.title = search.trouble;
    this.previous.hidden = this.next.hidden = !count;
  }

  // --- lines that the page does not have

  private async fetch(from: number, to: number): Promise<void> {
    if (this.fetching) return;
    const around = Math.ceil(this.list.room);
    const ahead = this.list.follow ? around : AHEAD;
    const missing =
      this.store.missing(from - around, to + around) ?? this.store.missing(from - ahead, to + ahead);
    if (!missing) return;
    this.fetching = true;
    const store = this.store;
    const count = Math.min(missing.count, REPLY_LINES);
    const reply = (await this.live.act('lines', { first: missing.first, count })) as WireLines | null;
    const received = reply !== null && reply.lines.length > 0;
    if (reply) store.put(reply);
    if (!received) await new Promise((resolve) => window.setTimeout(resolve, RETRY));
    this.fetching = false;
    this.list.request();
  }

  // --- search

  private startSearch(): void {
    window.clearTimeout(this.typing);
    this.search.start(this.input.value, this.regex.getAttribute('aria-pressed') === 'true');
  }

  private toggleRegex(): void {
    setAttribute(
      this.regex,
      'aria-pressed',
      this.regex.getAttribute('aria-pressed') === 'true' ? null : 'true',
    );
    this.startSearch();
  }

  // `first` is true when the first matches of a new search arrive: the view jumps to the nearest one
  private searched(first: boolean): void {
    this.list.pattern = this.search.pattern;
    if (first && this.search.current < 0 && this.search.found.length)
      this.goTo(this.search.nearest(this.list.first));
    if (!this.search.query) this.list.marked = -1;
    this.drawSearch();
    this.list.request();
  }

  private step(direction: 1 | -1): void {
    this.goTo(this.search.step(direction));
    this.drawSearch();
  }

  private goTo(line: number): void {
    if (line < 0) return;
    this.list.marked = line;
    this.list.show(line);
  }

  // --- buttons and keys

  private togglePause(): void {
    if (this.list.follow) {
      this.list.follow = false;
      this.drawFollow();
    } else this.list.toEnd();
  }

  private stopFollowing(): void {
    this.stop.disabled = true;
    setText(this.stop, STRINGS.stopping);
    void this.live.act('stop');
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.list.room) - 1);
    const moves: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    const calls: Record<string, () => void> = {
      '/': () => {
        this.root.classList.remove('nbc-few');
        this.input.select();
      },
      e: () => this.find('level:error'),
      c: () => this.foot.toggleColumns(),
      g: () => this.foot.askForTime(),
      n: () => this.step(1),
      N: () => this.step(-1),
      r: () => this.list.toggleRaw(),
      t: () => this.foot.toggleTime(),
      w: () => this.foot.toggleWrap(),
      ' ': () => this.togglePause(),
      '?': () => this.help.toggle({ [STRINGS.keys]: LOG.keys, [LOG.searching]: LOG.searches }),
    };
    const move = moves[event.key];
    const call = calls[event.key];
    if (move !== undefined) this.list.move(move);
    else if (call) call();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private find(query: string): void {
    this.root.classList.remove('nbc-few');
    this.input.value = query;
    this.startSearch();
  }

  dispose(): void {
    window.clearInterval(this.timer);
    document.removeEventListener('selectionchange', this.onSelection);
    this.search.stop();
    this.list.dispose();
  }
}

export default liveWidget<LogWire, LogWire>({
  apply(snapshot, message) {
    storeOf(snapshot).apply(message, performance.now());
    return snapshot;
  },
  mount: (element, live) => new LogView(element, live),
});
