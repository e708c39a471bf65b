// The live table: rows that stay up to date, with the user's own filter, order and selection.

import { make, setAttribute, setCutText, setText } from './elements';
import { visible } from './ansi';
import { KeysPanel } from './keys';
import { linkText, liveWidget, sleepText, type Live, type View } from './live';
import { STRINGS, TABLE } from './strings';
import { ColumnsPanel } from './columns';
import { Grid } from './tables_grid';
import { TableStore, type Column, type Row, type TableWire } from './tables_store';
import { RowVerbs, isKey, keyCap, lineInWords } from './tables_verbs';

const stores = new WeakMap<TableWire, TableStore>();

/** The store for a snapshot and the messages after it. */
function storeOf(snapshot: TableWire): TableStore {
  let store = stores.get(snapshot);
  if (!store) {
    store = new TableStore();
    store.apply({ ...snapshot, reset: true }, 0);
    stores.set(snapshot, store);
  }
  return store;
}

class TableView implements View {
  private store: TableStore;
  private readonly root: HTMLElement;
  private readonly title = make('b');
  private readonly where = make('span', { class: 'nbc-chip' });
  private readonly counts = make('span', { class: 'nbc-dim nbc-counts' });
  private readonly filter = make('input', {
    class: 'nbc-input nbc-filter',
    type: 'search',
    placeholder: TABLE.filterHint,
    'aria-label': TABLE.filter,
    spellcheck: 'false',
    autocomplete: 'off',
    title: TABLE.help,
  });
  private readonly wide = make(
    'button',
    { class: 'nbc-button', type: 'button', 'aria-pressed': 'false' },
    TABLE.wide,
  );
  private readonly stop = make('button', { class: 'nbc-button', type: 'button' }, STRINGS.stop);
  private readonly status = make('span', { class: 'nbc-status', role: 'status' });
  private readonly note = make('div', { class: 'nbc-note nbc-dim' });
  private readonly chosen = make('span', { 'aria-live': 'polite' });
  private readonly keys = make('span', { class: 'nbc-keys' });
  private readonly verbs = new RowVerbs(() => this.chosenRows());
  private readonly help = new KeysPanel();
  private readonly columns: ColumnsPanel<Column>;
  private readonly grid: Grid;
  private readonly timer: number;
  private counted = '';
  /** The shared selection that was last drawn. */
  private selected: unknown;

  constructor(
    element: HTMLElement,
    private readonly live: Live<TableWire>,
  ) {
    this.store = storeOf(live.state);
    this.store.now = () => live.now();
    this.grid = new Grid(this.store, {
      sorted: () => undefined,
      selected: () => this.sendSelection(),
      key: (event) => this.onKey(event),
    });
    this.columns = new ColumnsPanel(
      TABLE.columns,
      TABLE.columnsTitle,
      () => this.store.columns,
      (column) => this.grid.shows(column),
      (column) => this.grid.toggleColumn(column),
    );
    const foot = make(
      'div',
      { class: 'nbc-bar nbc-foot nbc-dim' },
      this.chosen,
      this.verbs.element,
      make('span', { class: 'nbc-grow' }),
      this.keys,
      this.columns.button,
      this.wide,
    );
    this.root = make(
      'div',
      { class: 'nbc nbc-table', role: 'group' },
      make(
        'div',
        { class: 'nbc-bar' },
        this.title,
        this.where,
        this.counts,
        make('span', { class: 'nbc-grow' }),
        this.filter,
        make('span', { class: 'nbc-ending' }, this.stop, this.status),
      ),
      this.note,
      this.help.element,
      this.columns.element,
      this.grid.element,
      foot,
    );
    this.listen();
    element.append(this.root);
    this.timer = window.setInterval(() => {
      if (live.seen) this.grid.request(); // ages keep growing
    }, 1000);
  }

  private listen(): void {
    this.filter.addEventListener('input', () => this.applyFilter());
    this.filter.addEventListener('keydown', (event) => {
      event.stopPropagation();
      if (event.key === 'Escape' && this.filter.value) {
        this.filter.value = '';
        this.applyFilter();
      } else if (event.key === 'Enter' || event.key === 'ArrowDown' || event.key === 'Escape')
        this.grid.focus();
      else return;
      event.preventDefault();
    });
    this.wide.addEventListener('click', () => {
      this.columns.open(false);
      this.grid.wide = !this.grid.wide;
      this.wide.setAttribute('aria-pressed', String(this.grid.wide));
      this.grid.paint();
    });
    this.stop.addEventListener('click', () => {
      this.stop.disabled = true;
      setText(this.stop, STRINGS.stopping);
      void this.live.act('stop');
    });
  }

  draw(): void {
    const store = storeOf(this.live.state);
    if (store !== this.store) {
      store.adopt(this.store);
      store.now = this.store.now;
      this.store = this.grid.store = store;
    }
    setCutText(this.title, visible(store.title || TABLE.table));
    setAttribute(this.root, 'aria-label', visible(store.title || TABLE.table));
    setAttribute(this.grid.element, 'aria-label', visible(`${store.title} ${store.where}`.trim()));
    setCutText(this.where, visible(store.where));
    this.where.hidden = !store.where;
    setText(this.note, visible(store.note));
    this.note.hidden = !store.note;
    this.wide.hidden = !store.columns.some((column) => column.wide);
    this.takeSelection();
    if (this.filter !== document.activeElement) this.filter.value = store.filterText; // set in another view
    this.drawStatus();
    this.verbs.draw(store.verbs);
    if (this.root.isConnected)
      this.grid.paint(); // in this frame: to request another one would delay each change by it
    else this.grid.request();
    store.refresh();
    this.drawCounts();
    this.drawChosen();
  }

  private drawStatus(): void {
    const { store, live } = this;
    const lost = linkText(live);
    const stopped = live.finished || live.link === 'gone';
    const asleep = sleepText(live);
    this.stop.hidden = stopped || asleep !== '' || (!store.followed && !store.trouble);
    if (asleep) {
      this.stop.disabled = false;
      setText(this.stop, STRINGS.stop);
    }
    const [text, tone] = lost
      ? [store.followed ? lost : '', 'warning']
      : stopped
        ? [store.followed ? STRINGS.stopped : '', 'dim']
        : asleep
          ? [asleep, 'dim']
          : store.live
            ? [STRINGS.live, 'good']
            : store.trouble
              ? [`◌ ${visible(store.trouble)}`, 'warning']
              : [TABLE.connecting, 'dim'];
    setText(this.status, text);
    this.status.className = `nbc-status nbc-${tone}`;
    this.status.hidden = !text;
    this.root.classList.toggle('nbc-still', stopped);
  }

  private drawCounts(): void {
    const { store } = this;
    const state = `${store.version} ${store.shown.length} ${store.filterText}`;
    if (state === this.counted) return;
    this.counted = state;
    const all = store.rows.size.toLocaleString('en-US');
    const shown = store.shown.length.toLocaleString('en-US');
    const parts: Node[] = [document.createTextNode(store.filter.test ? STRINGS.of(shown, all) : all)];
    for (const [word, tone, count] of store.counts) {
      const coloured = tone === 'warning' || tone === 'bad' ? `nbc-${tone}` : undefined;
      parts.push(document.createTextNode(' · '));
      parts.push(make('span', { class: coloured }, `${count.toLocaleString('en-US')} ${visible(word)}`));
    }
    this.counts.replaceChildren(...parts);
  }

  private drawChosen(): void {
    const count = this.store.selected.size;
    setText(this.chosen, count ? TABLE.selected(count.toLocaleString('en-US')) : '');
    this.verbs.element.hidden = !count;
    const words = count ? [] : this.store.verbs.map(([key, word]) => `${keyCap(key)} ${word}`);
    setText(this.keys, [...words, ...TABLE.hints].join(' · '));
  }

  /** The rows that a verb acts on: the selected ones, else the active one. */
  private chosenRows(): Row[] {
    const { selected, rows } = this.store;
    const chosen = [...selected].map((key) => rows.get(key)).filter((row) => row !== undefined);
    return chosen.length || !this.grid.activeRow ? chosen : [this.grid.activeRow];
  }

  private applyFilter(): void {
    this.store.setFilter(this.filter.value);
    const { trouble } = this.store.filter;
    setAttribute(this.filter, 'aria-invalid', trouble ? 'true' : null);
    this.filter.title = trouble || TABLE.help;
    this.grid.element.scrollTop = 0;
    this.grid.paint();
    this.drawCounts();
  }

  private sendSelection(): void {
    this.drawChosen();
    this.selected = this.store.selectedNames();
    this.live.share('selected', this.selected);
  }

  // the kernel or another view may have changed the selection, and a selected row may be gone
  private takeSelection(): void {
    const names = this.live.shared('selected') as string[];
    if (names !== this.selected) this.store.select(names);
    this.selected = names;
    if (this.store.selected.size !== names.length) this.sendSelection();
  }

  private onKey(event: KeyboardEvent): void {
    const verb = this.store.verbs.find((candidate) => isKey(candidate, event));
    if (!verb && (event.ctrlKey || event.metaKey || event.altKey)) return;
    if (event.key === '/') {
      this.filter.focus();
      this.filter.select();
    } else if (event.key === '?') {
      const verbs = this.store.verbs.map((verb): [string, string] => [keyCap(verb[0]), lineInWords(verb)]);
      this.help.toggle({ [STRINGS.keys]: [...verbs, ...TABLE.keys], [TABLE.filter]: TABLE.filters });
    } else if (event.key === 'Escape') {
      if (this.help.close()) this.grid.request();
      else if (this.store.selected.size) this.grid.selectNone();
      else if (this.filter.value) {
        this.filter.value = '';
        this.applyFilter();
      }
    } else if (verb && this.chosenRows().length) {
      this.verbs.act(verb);
    } else if (event.key === 'c' && this.chosenRows().length) {
      this.verbs.copyNames();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  dispose(): void {
    window.clearInterval(this.timer);
    this.grid.dispose();
  }
}

export default liveWidget<TableWire, TableWire>({
  shared: ['selected'],
  apply(snapshot, message) {
    storeOf(snapshot).apply(message, performance.now());
    return snapshot;
  },
  mount: (element, live) => new TableView(element, live),
});
