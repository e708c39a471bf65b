// One live widget in the page: keeps the state that the kernel's messages add up to, and draws its views.

import { PROTOCOL, type FromKernel, type ToKernel } from './wire';

/** The part of anywidget's model that is used here. */
export interface Model {
  get(name: string): unknown;
  on(event: string, callback: (...details: never[]) => void): void;
  send(content: unknown, callbacks?: unknown, buffers?: unknown): void;
}

/** What a view reads, and what it may ask of the kernel. */
export interface Live<State> {
  readonly state: State;
  /** Nothing more will come. */
  readonly finished: boolean;
  /** Whether a person ended it before its own end. */
  readonly stopped: boolean;
  /** Whether the kernel still tells this page what happens. */
  readonly link: Link;
  /** The kernel's clock: seconds since the epoch. */
  now(): number;
  /** Ask the kernel for something; resolves with its reply, which may be late while a cell runs. */
  act(name: string, detail?: Record<string, unknown>): Promise<unknown>;
}

/** `silent`: no word for longer than the kernel's signs of life are apart. `gone`: the kernel ended or was restarted. */
export type Link = 'live' | 'silent' | 'gone';

/** What a view says in place of its state's word, where nothing more may be claimed; empty while it is live. */
export function linkText(live: Live<unknown>): string {
  if (live.finished || live.link === 'live') return '';
  return live.link === 'gone' ? '◌ not live: the kernel ended' : '◌ no word from the kernel';
}

const SILENCE = 12_000; // milliseconds; more than two signs of life (BEAT in widgets/live.py)

export interface View {
  /** Bring the elements up to date with `live.state`; called at most once a frame. */
  draw(): void;
  dispose?(): void;
}

export interface Definition<State, Message> {
  /** The state after `message`; it may be the same object, changed. `buffers` are those sent with this message. */
  apply(state: State, message: Message, buffers: readonly DataView[]): State;
  /** Make the elements of one view below `element`. */
  mount(element: HTMLElement, live: Live<State>): View;
}

/** The default export of a widget's module: anywidget calls it once for each widget. */
export function liveWidget<State, Message>(definition: Definition<State, Message>) {
  return () => {
    let live: LiveModel<State, Message>;
    return {
      initialize({ model }: { model: Model }) {
        live = new LiveModel(model, definition);
      },
      render({ el }: { el: HTMLElement }) {
        return live.show(el);
      },
    };
  };
}

class LiveModel<State, Message> implements Live<State> {
  state: State;
  finished: boolean;
  stopped: boolean;
  link: Link = 'live';
  private sequence: number;
  private clockOffset = 0;
  private actions = 0;
  private readonly waiting = new Map<number, (value: unknown) => void>();
  private readonly views = new Set<View>();
  private frame = 0;
  private heard = performance.now();
  private watch: number | undefined;

  constructor(
    private readonly model: Model,
    private readonly definition: Definition<State, Message>,
  ) {
    this.state = model.get('snapshot') as State;
    this.sequence = model.get('sequence') as number;
    this.finished = model.get('finished') as boolean;
    this.stopped = model.get('stopped') as boolean;
    // here, not in a view: messages that come before the first view is drawn would be lost
    model.on('msg:custom', (message: FromKernel, buffers: DataView[]) => this.receive(message, buffers));
    model.on('change:finished', () => {
      this.finished = model.get('finished') as boolean;
      this.stopped = model.get('stopped') as boolean;
      this.changed();
    });
    model.on('change:snapshot', () => {
      this.state = model.get('snapshot') as State;
      this.sequence = model.get('sequence') as number;
      this.changed();
    });
    model.on('comm:close', () => this.linkIs('gone'));
    // ipywidgets says only that something changed; after a restart nothing can be sent
    model.on('comm_live_update', () => setTimeout(() => this.greet()));
    this.greet();
  }

  private greet(): void {
    this.tell({ type: 'hello', protocol: PROTOCOL, sequence: this.sequence });
  }

  now(): number {
    return Date.now() / 1000 + this.clockOffset;
  }

  act(name: string, detail: Record<string, unknown> = {}): Promise<unknown> {
    const id = ++this.actions;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.tell({ ...detail, type: 'action', id, name });
    });
  }

  show(element: HTMLElement): () => void {
    // JupyterLab's own keys (dd deletes the cell) are not for whoever types here. Lumino asks the focused element first,
    // and `.jp-Notebook :focus` matches that: so the attribute must stand on the element itself, not around it
    element.addEventListener('focusin', ({ target }) => {
      if (target instanceof Element) target.setAttribute('data-lm-suppress-shortcuts', 'true');
    });
    const view = this.definition.mount(element, this);
    this.views.add(view);
    view.draw();
    this.watch ??= window.setInterval(() => {
      if (this.link === 'live' && performance.now() - this.heard > SILENCE) this.linkIs('silent');
    }, SILENCE / 6);
    return () => {
      this.views.delete(view);
      if (!this.views.size) {
        clearInterval(this.watch);
        this.watch = undefined;
      }
      view.dispose?.();
    };
  }

  private receive(message: FromKernel, buffers: DataView[]): void {
    this.heard = performance.now();
    this.linkIs('live');
    switch (message.type) {
      case 'reply':
        this.waiting.get(message.id)?.(message.value);
        this.waiting.delete(message.id);
        return;
      case 'snapshot':
        this.state = message.state as State;
        this.sequence = message.sequence;
        break;
      case 'batch': {
        const lost = message.sequence > this.sequence + 1;
        this.tell({ type: 'acknowledge', sequence: message.sequence });
        if (message.sequence <= this.sequence) return;
        if (lost) this.tell({ type: 'resync', sequence: this.sequence });
        this.sequence = message.sequence;
        let at = 0;
        message.items.forEach((item, index) => {
          const count = message.buffers[index] ?? 0;
          this.state = this.definition.apply(this.state, item as Message, buffers.slice(at, at + count));
          at += count;
        });
      }
    }
    this.clockOffset = message.now - Date.now() / 1000;
    this.changed();
  }

  private tell(message: ToKernel): void {
    try {
      this.model.send(message);
    } catch {
      this.linkIs('gone'); // what is on the page stays as it is
    }
  }

  private linkIs(link: Link): void {
    if (this.link === link) return;
    this.link = link;
    this.changed();
  }

  private changed(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      for (const view of this.views) view.draw();
    });
  }
}
