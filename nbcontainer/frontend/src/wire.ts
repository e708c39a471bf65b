// The protocol between kernel and page: every widget's message envelope, and shared types. The Python side is
// nbcontainer/widgets/live.py; each widget's own snapshot and messages are declared in its module's *Wire types.

/** Incremented when the envelope changes. */
export const PROTOCOL = 1;

/** What a word means; the class `nbc-<tone>` colours it. Mirrors model.tables.Tone. */
export type Tone = '' | 'dim' | 'good' | 'running' | 'cached' | 'warning' | 'bad';

/** Kernel to page. `sequence` counts batches from 1; `buffers` says how many binary buffers belong to each item. */
export type FromKernel =
  | { type: 'batch'; sequence: number; items: unknown[]; buffers: number[]; now: number }
  | { type: 'snapshot'; sequence: number; state: unknown; now: number }
  | { type: 'reply'; id: number; value: unknown }
  /** The answer to `hello` when the page is up to date, and a heartbeat while nothing changes. */
  | { type: 'here'; now: number };

/** Page to kernel. `hello` and `resync` are answered by a snapshot if the page is behind, else by `here`. */
export type ToKernel =
  | { type: 'hello'; protocol: number; sequence: number }
  | { type: 'resync'; sequence: number }
  | { type: 'acknowledge'; sequence: number }
  /** A view is visible; sent regularly while it is, to a widget with a lease. */
  | { type: 'seen' }
  | { type: 'action'; id: number; name: string; [detail: string]: unknown };
