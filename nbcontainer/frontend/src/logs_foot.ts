// The bar below a log's lines: where the file is, going to a time, how lines are shown, copying and saving them.

import { visible } from './ansi';
import { ColumnsPanel } from './columns';
import { make, setAttribute, setText } from './elements';
import { bytes, counted } from './format';
import type { Live } from './live';
import type { Field } from './logs_fields';
import type { LogList } from './logs_list';
import type { LogStore, LogWire } from './logs_store';
import { saveTexts, textsFrom } from './logs_texts';
import { momentOf } from './logs_time';
import { LOG, STRINGS } from './strings';

const COPY_LINES = 10_000;
const TOLD = 1500; // milliseconds for which a button says what it did

export function button(text: string, title: string, onclick: () => void, label?: string): HTMLButtonElement {
  return make('button', { class: 'nbc-button', type: 'button', title, 'aria-label': label, onclick }, text);
}

export class LogFoot {
  readonly element: HTMLElement;
  /** The choice of the fields that are columns, when it is open. */
  readonly fields: ColumnsPanel<Field>;
  private readonly spool = make('span', { class: 'nbc-spool' });
  private readonly moment = make('input', {
    class: 'nbc-input nbc-moment',
    placeholder: LOG.momentHint,
    'aria-label': LOG.moment,
    title: LOG.momentTitle,
    spellcheck: 'false',
    autocomplete: 'off',
  });
  private readonly columns = button(LOG.columns, LOG.columnsTitle, () => this.toggleColumns());
  private readonly time = button(LOG.time, LOG.timeTitle, () => this.toggleTime());
  private readonly wrap = button(LOG.wrap, LOG.wrapTitle, () => this.toggleWrap());
  private readonly copy = button(
    LOG.copy,
    LOG.copyTitle(COPY_LINES.toLocaleString('en-US')),
    () => void this.copyText(),
  );
  private readonly download = button(LOG.download, LOG.downloadTitle, () => void this.save());

  constructor(
    private readonly list: LogList,
    private readonly live: Live<LogWire>,
    private readonly goTo: (line: number) => void,
  ) {
    this.fields = new ColumnsPanel<Field>(
      LOG.fields,
      LOG.fieldsTitle,
      () => list.columns.known,
      ({ name }) => list.columns.chosen.includes(name),
      ({ name }) => {
        list.columns.choose(name);
        list.request();
      },
    );
    this.element = make(
      'div',
      { class: 'nbc-bar nbc-foot nbc-dim' },
      this.spool,
      make('span', { class: 'nbc-grow' }),
      this.moment,
      this.columns,
      this.fields.button,
      this.time,
      this.wrap,
      this.copy,
      this.download,
    );
    this.moment.addEventListener('keydown', (event) => {
      event.stopPropagation();
      if (event.key === 'Enter') void this.goToTime();
      else if (event.key === 'Escape') list.element.focus();
    });
  }

  private get store(): LogStore {
    return this.list.store;
  }

  draw(): void {
    const { store, list } = this;
    setText(this.spool, LOG.sizeIn(bytes(store.bytes), visible(store.spool)));
    this.spool.title = store.spool ? LOG.fileTitle : '';
    setAttribute(this.columns, 'aria-pressed', String(list.columns.on));
    setAttribute(this.time, 'aria-pressed', String(list.times));
    setAttribute(this.wrap, 'aria-pressed', String(list.wrap));
    this.columns.hidden = !list.columns.any;
    this.fields.button.hidden = !list.columns.on;
    if (!list.columns.on) this.fields.open(false);
  }

  toggleColumns(): void {
    if (!this.list.columns.any) return;
    this.list.columns.toggle();
    this.changed();
  }

  toggleTime(): void {
    this.list.times = !this.list.times;
    this.changed();
  }

  toggleWrap(): void {
    this.list.wrap = !this.list.wrap;
    this.changed();
  }

  private changed(): void {
    this.list.request();
    this.draw();
  }

  /** Lets the user type a time. */
  askForTime(): void {
    this.moment.focus();
  }

  private async goToTime(): Promise<void> {
    const { store, list } = this;
    const near = store.get(Math.min(list.first, store.total - 1)) ?? store.get(store.total - 1);
    const seconds = momentOf(this.moment.value, near?.time || Date.now() / 1000);
    setAttribute(this.moment, 'aria-invalid', seconds === null ? 'true' : null);
    if (seconds === null) return;
    const reply = (await this.live.act('time', { seconds })) as { line: number } | null;
    if (!reply) return;
    if (!list.times) this.toggleTime();
    this.goTo(reply.line);
    list.element.focus();
  }

  private async copyText(): Promise<void> {
    const selection = document.getSelection();
    const chosen = selection && this.list.element.contains(selection.anchorNode) ? selection.toString() : '';
    const text = chosen || (await this.lastLines());
    let status = STRINGS.copied(counted(text ? text.split('\n').length : 0, STRINGS.line));
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      status = LOG.refused;
    }
    setText(this.copy, status);
    window.setTimeout(() => setText(this.copy, LOG.copy), TOLD);
  }

  private async lastLines(): Promise<string> {
    const lines: string[] = [];
    for await (const part of this.texts(Math.max(0, this.store.total - COPY_LINES))) lines.push(...part);
    return lines.join('\n');
  }

  private async save(): Promise<void> {
    this.download.disabled = true;
    await saveTexts(this.texts(0), this.store.title, this.store.total, (percent) =>
      setText(this.download, LOG.downloading(percent)),
    );
    setText(this.download, LOG.download);
    this.download.disabled = false;
  }

  // the lines from one on, in parts, as they were written
  private texts(first: number): AsyncGenerator<string[]> {
    const request = (from: number, count: number): Promise<unknown> =>
      this.live.act('lines', { first: from, count });
    return textsFrom(first, this.store, this.list.times, request);
  }
}
