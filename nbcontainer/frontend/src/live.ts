// One live widget in the page: folds the kernel's messages into a state and draws its views.

import { PROTOCOL, type FromKernel, type ToKernel } from './wire';

/** The part of anywidget's model used here. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...details: never[]) => void): void;
  send(content: unknown, callbacks?: unknown, buffers?: unknown): void;
}

/** What a view reads, and what it may request from the kernel. */
export interface Live<State> {
  readonly state: State;
  /** Nothing more will come. */
  readonly finished: boolean;
  /** Whether the user ended it early. */
  readonly stopped: boolean;
  /** Whether the kernel still sends to this page. */
  readonly link: Link;
  /** Since when the kernel no longer keeps it up to date, because nobody looked: seconds since the epoch, or 0. */
  readonly asleep: number;
  /** Whether one of its views is visible, as far as is known. */
  readonly seen: boolean;
  /** The kernel's clock: seconds since the epoch. */
  now(): number;
  /** Send the kernel a request; resolves with its reply, which may be delayed while a cell runs. */
  act(name: string, detail?: Record<string, unknown>): Promise<unknown>;
  /** The value of a trait that the kernel and all views share; the same object until it changes. */
  shared(name: string): unknown;
  share(name: string, value: unknown): void;
}

/** `silent`: more than one heartbeat of the kernel was missed. `gone`: the kernel ended or was restarted. */
export type Link = 'live' | 'silent' | 'gone';

/** What a view shows instead of its status when that may be out of date; empty while it is live. */
export function linkText(live: Live<unknown>): string {
  if (live.finished || live.link === 'live') return '';
  return live.link === 'gone' ? '◌ not live: the kernel ended' : '◌ no response from the kernel';
}

/** What a view shows instead of its status while it sleeps; empty while it is awake. */
export function sleepText({ asleep, finished, seen }: Live<unknown>): string {
  if (!asleep || finished) return '';
  const time = new Date(asleep * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  return `◌ asleep since ${time}; ${seen ? 'waking' : 'wakes when looked at'}`;
}

const SILENCE = 12_000; // milliseconds; more than two heartbeats (see widgets/live.py)

export interface View {
  /** Bring the elements up to date with `live.state`; called at most once per frame. */
  draw(): void;
  dispose?(): void;
}

export interface Definition<State, Message> {
  /** The traits that the views share with the kernel. */
  shared?: readonly string[];
  /** The state after `message`, possibly the same object, modified. `buffers` are those sent with this message. */
  apply(state: State, message: Message, buffers: readonly DataView[]): State;
  /** Create the elements of one view inside `element`. */
  mount(element: HTMLElement, live: Live<State>): View;
}

/** The default export of a widget's module: anywidget calls it once per widget. */
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
  asleep: number;
  private readonly lease: number;
  private sequence: number;
  private clockOffset = 0;
  private actions = 0;
  private readonly waiting = new Map<number, (value: unknown) => void>();
  private readonly views = new Set<View>();
  private readonly visible = new Set<Element>();
  private looking: number | undefined;
  private frame = 0;
  private lastMessage = performance.now();
  private watch: number | undefined;

  constructor(
    private readonly model: Model,
    private readonly definition: Definition<State, Message>,
  ) {
    this.state = model.get('snapshot') as State;
    this.sequence = model.get('sequence') as number;
    this.finished = model.get('finished') as boolean;
    this.stopped = model.get('stopped') as boolean;
    this.lease = model.get('lease') as number;
    this.asleep = model.get('asleep') as number;
    // here, not in a view: messages that arrive before the first view is drawn would be lost
    model.on('msg:custom', (message: FromKernel, buffers: DataView[]) => this.receive(message, buffers));
    model.on('change:finished', () => {
      this.finished = model.get('finished') as boolean;
      this.stopped = model.get('stopped') as boolean;
      this.changed();
      this.look();
    });
    model.on('change:snapshot', () => {
      this.state = model.get('snapshot') as State;
      this.sequence = model.get('sequence') as number;
      this.changed();
    });
    model.on('change:asleep', () => {
      this.asleep = model.get('asleep') as number;
      this.lastMessage = performance.now();
      this.changed();
      this.look();
    });
    for (const name of definition.shared ?? []) model.on(`change:${name}`, () => this.changed());
    model.on('comm:close', () => this.linkIs('gone'));
    // this event says only that the link changed, not how: after a restart the greeting fails, and the link is gone
    model.on('comm_live_update', () => setTimeout(() => this.greet()));
    this.greet();
  }

  private greet(): void {
    this.send({ type: 'hello', protocol: PROTOCOL, sequence: this.sequence });
  }

  now(): number {
    return Date.now() / 1000 + this.clockOffset;
  }

  act(name: string, detail: Record<string, unknown> = {}): Promise<unknown> {
    const id = ++this.actions;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.send({ ...detail, type: 'action', id, name });
    });
  }

  shared(name: string): unknown {
    return this.model.get(name);
  }

  share(name: string, value: unknown): void {
    this.model.set(name, value);
    try {
      this.model.save_changes();
    } catch {
      this.linkIs('gone');
    }
  }

  get seen(): boolean {
    return !document.hidden && (!this.lease || this.visible.size > 0);
  }

  // a visible view says so at once, and regularly as long as it is visible
  private look(): void {
    clearInterval(this.looking);
    if (!this.lease || this.finished || !this.seen) return;
    if (this.asleep) this.lastMessage = performance.now(); // the kernel has been silent for good reason
    const tell = (): void => this.send({ type: 'seen' });
    this.looking = window.setInterval(tell, (this.lease * 1000) / 4);
    tell();
    this.changed();
  }

  /** Keep track of whether `element` is visible; returns a function that ends this. */
  private track(element: HTMLElement): () => void {
    const observer = new IntersectionObserver((changes) => {
      if (changes.at(-1)?.isIntersecting) this.visible.add(element);
      else this.visible.delete(element);
      this.look();
    });
    observer.observe(element);
    const look = (): void => this.look();
    document.addEventListener('visibilitychange', look);
    return () => {
      observer.disconnect();
      document.removeEventListener('visibilitychange', look);
      this.visible.delete(element);
      this.look();
    };
  }

  show(element: HTMLElement): () => void {
    // JupyterLab's own shortcuts (dd deletes the cell) must not fire while the user types here. Lumino checks the
    // focused element first, and `.jp-Notebook :focus` matches it: the attribute must be on that element, not a parent
    element.addEventListener('focusin', ({ target }) => {
      if (target instanceof Element) target.setAttribute('data-lm-suppress-shortcuts', 'true');
    });
    const view = this.definition.mount(element, this);
    this.views.add(view);
    view.draw();
    const end = this.lease ? this.track(element) : () => undefined;
    this.watch ??= window.setInterval(() => {
      if (this.asleep && !this.seen) return; // then the kernel is silent
      if (this.link === 'live' && performance.now() - this.lastMessage > SILENCE) this.linkIs('silent');
    }, SILENCE / 6);
    return () => {
      this.views.delete(view);
      end();
      if (!this.views.size) {
        clearInterval(this.watch);
        this.watch = undefined;
      }
      view.dispose?.();
    };
  }

  private receive(message: FromKernel, buffers: DataView[]): void {
    this.lastMessage = performance.now();
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
        this.send({ type: 'acknowledge', sequence: message.sequence });
        if (message.sequence <= this.sequence) return;
        if (lost) this.send({ type: 'resync', sequence: this.sequence });
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

  private send(message: ToKernel): void {
    try {
      this.model.send(message);
    } catch {
      this.linkIs('gone'); // the view keeps its last state
    }
  }

  private linkIs(link: Link): void {
    if (this.link === link) return;
    this.link = link;
    this.changed();
  }

  private changed(): void {
    if (this.lease && !this.seen && !this.asleep && !this.finished) return; // it is drawn when it becomes visible
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      for (const view of this.views) view.draw();
    });
  }
}
