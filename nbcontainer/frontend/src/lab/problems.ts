// Asks the kernel for the problems of a cell: see nbcontainer/magics/problems_channel.py.

import type { Comm, Kernel, Notebooks, Panel } from '@jupyterlab/notebook';

const TARGET = 'nbcontainer:problems';

export interface Edit {
  from: number;
  to: number;
  text: string;
}

export interface Problem {
  from: number;
  to: number;
  severity: 'error' | 'warning';
  message: string;
  /** The name of BuildKit's rule, and the address of its page, or empty. */
  rule: string;
  link: string;
  fix: { title: string; edits: Edit[] } | null;
}

interface Question {
  text: string;
  answer: Promise<Problem[] | null>;
  settle: (problems: Problem[] | null) => void;
}

function question(text: string): Question {
  let settle: Question['settle'] = () => undefined;
  const answer = new Promise<Problem[] | null>((resolve) => {
    settle = resolve;
  });
  return { text, answer, settle };
}

/** The kernel's end of the conversation. One question is on its way at a time: a kernel may be busy for long. */
class Channel {
  private number = 0;
  private asked: Question | null = null;
  private next: Question | null = null;

  constructor(readonly comm: Comm) {
    comm.onMsg = ({ content }) => {
      const { number, problems } = content.data as { number: number; problems: Problem[] };
      if (number === this.number) this.settle(problems); // the channel has other pages too
    };
    comm.onClose = () => {
      this.next?.settle(null);
      this.next = null;
      this.settle(null);
    };
  }

  /** The problems of a text; null if another text is asked for before the answer, or the kernel has gone. */
  ask(text: string): Promise<Problem[] | null> {
    const same = [this.next, this.asked].find((waiting) => waiting?.text === text);
    if (same) return same.answer;
    this.next?.settle(null);
    const asked = question(text);
    if (this.asked) this.next = asked;
    else this.send(asked);
    return asked.answer;
  }

  private send(asked: Question): void {
    this.asked = asked;
    this.number = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
    this.comm.send({ number: this.number, text: asked.text });
  }

  private settle(problems: Problem[] | null): void {
    const { asked, next } = this;
    this.asked = this.next = null;
    if (next) this.send(next);
    asked?.settle(problems);
  }
}

const channels = new WeakMap<Kernel, Channel>();
/** The editors whose problems no kernel could say yet, each with what asks again. */
const waiting = new Map<HTMLElement, () => void>();
let panels: Notebooks | null = null;

/** Follow the kernels of the notebooks. */
export function hearProblems(notebooks: Notebooks): void {
  panels = notebooks;
  notebooks.widgetAdded.connect((_sender, panel) => {
    panel.sessionContext.kernelChanged.connect(() => listen(panel));
    listen(panel);
  });
}

function listen(panel: Panel): void {
  const kernel = panel.sessionContext.session?.kernel;
  if (!kernel) return;
  kernel.registerCommTarget(TARGET, (comm) => open(kernel, comm));
  // a page that is loaded again finds the channel that its kernel has opened
  void kernel.requestCommInfo({ target_name: TARGET }).then(({ content }) => {
    const id = Object.keys(content.comms ?? {})[0];
    if (id && !kernel.hasComm(id)) open(kernel, kernel.createComm(TARGET, id));
  });
}

function open(kernel: Kernel, comm: Comm): void {
  channels.set(kernel, new Channel(comm));
  const asking = [...waiting.values()];
  waiting.clear();
  for (const ask of asking) ask();
}

/** The problems of the text in an editor of a notebook; null if its kernel cannot say, and `again` is called once one can. */
export async function problemsOf(
  editor: HTMLElement,
  text: string,
  again: () => void,
): Promise<Problem[] | null> {
  const panel = panels?.find(({ content }) => content.node.contains(editor));
  const kernel = panel?.sessionContext.session?.kernel;
  const channel = kernel && channels.get(kernel);
  if (channel && !channel.comm.isDisposed) return channel.ask(text);
  for (const other of waiting.keys()) if (!other.isConnected) waiting.delete(other);
  waiting.set(editor, again);
  return null;
}
