// The rows of a build: one per step, with its output below.

import { draw, visible } from './ansi';
import { transferred, type Build, type Step, type StepState } from './build_wire';
import { make, setAttribute, setText } from './elements';
import { bytes, counted, seconds } from './format';

interface Look {
  sign: string;
  tone: string;
}

export const LOOKS: Record<StepState, Look> = {
  waiting: { sign: '○', tone: 'nbc-dim' },
  running: { sign: '◐', tone: 'nbc-running' },
  done: { sign: '✓', tone: 'nbc-good' },
  cached: { sign: '●', tone: 'nbc-cached' },
  failed: { sign: '✕', tone: 'nbc-bad' },
  stopped: { sign: '■', tone: 'nbc-warning' },
};

const LAST_LINES = 4; // shown of a running or stopped step

/** The time axis that all rows of a build share. */
export interface Axis {
  start: number;
  end: number;
  now: number;
}

export class StepRow {
  readonly element: HTMLElement;
  private readonly head: HTMLElement;
  private readonly sign = make('span', { class: 'nbc-sign-column', 'aria-hidden': 'true' });
  private readonly lines = make('span', { class: 'nbc-lines nbc-code nbc-dim' });
  private readonly text = make('span', { class: 'nbc-instruction nbc-code' });
  private readonly gantt = make('span', { class: 'nbc-gantt', 'aria-hidden': 'true' }, make('i'));
  private readonly bytes = make('span', { class: 'nbc-bytes nbc-number nbc-dim' });
  private readonly time = make('span', { class: 'nbc-time nbc-number nbc-dim' });
  private readonly word = make('span', { class: 'nbc-hidden' });
  private readonly output = make('div', { class: 'nbc-output nbc-code', role: 'log', 'aria-live': 'off' });
  private readonly more = make('button', { class: 'nbc-more', type: 'button' });
  private readonly box = make('div', { class: 'nbc-output-box', hidden: true }, this.output, this.more);
  private step: Step | undefined;
  /** null: the step's state decides; else what the user chose. */
  private open: boolean | null = null;
  private drawn = '';
  private atEnd = true;

  constructor(private readonly spool: () => string) {
    this.output.addEventListener('wheel', () => (this.atEnd = false), { passive: true });
    this.output.addEventListener('keydown', () => (this.atEnd = false));
    this.output.addEventListener('pointerdown', () => (this.atEnd = false));
    // the first draw may happen before the view is attached to the page, when nothing scrolls yet
    new ResizeObserver(() => this.scrollToEnd()).observe(this.output);
    const toggle = () => this.toggle();
    this.head = make(
      'div',
      {
        class: 'nbc-step',
        onclick: toggle,
        onkeydown: ((event: KeyboardEvent) => {
          if (event.key !== 'Enter' && event.key !== ' ') return;
          event.preventDefault();
          this.toggle();
        }) as EventListener,
      },
      this.sign,
      this.lines,
      this.text,
      this.bytes,
      this.gantt,
      make('span', { class: 'nbc-time-cell nbc-number' }, this.word, this.time),
    );
    this.more.addEventListener('click', toggle);
    this.element = make('div', { role: 'listitem' }, this.head, this.box);
  }

  private toggle(): void {
    if (!this.step?.output.length) return;
    this.open = !this.showsAll(this.step);
    this.drawOutput(this.step);
  }

  draw(step: Step): void {
    if (step === this.step) return;
    this.step = step;
    const look = LOOKS[step.state];
    setAttribute(this.head, 'class', `nbc-step nbc-is-${step.state} ${look.tone}`);
    setText(this.sign, look.sign);
    const [first, last] = step.lines ?? [0, 0];
    setText(this.lines, first ? (last > first ? `${first}–${last}` : `${first}`) : '');
    const text = visible((step.instruction || step.name).replace(/\s+/g, ' ').replace(/^\[internal\] /, ''));
    setText(this.text, text);
    setAttribute(this.text, 'title', text.length > 60 ? text : null);
    setText(this.word, ` ${step.state} `);
    setText(this.bytes, transferText(step));
    this.drawOutput(step);
  }

  /** Updates what depends on the clock. */
  tick(axis: Axis): void {
    const step = this.step;
    if (!step) return;
    const took = step.started === null ? null : (step.finished ?? axis.now) - step.started;
    setText(this.time, timeText(step, took));
    const bar = this.gantt.firstElementChild as HTMLElement;
    const width = axis.end - axis.start;
    const shown = took !== null && width > 0;
    bar.hidden = !shown;
    if (!shown) return;
    const from = Math.max(0, ((step.started ?? 0) - axis.start) / width);
    bar.style.left = `${(Math.min(from, 0.98) * 100).toFixed(2)}%`;
    bar.style.width = `${(Math.min(1 - from, Math.max(took, 0) / width) * 100).toFixed(2)}%`;
  }

  /** The last lines matter most, until the user scrolls elsewhere. */
  private scrollToEnd(): void {
    if (this.atEnd) this.output.scrollTop = this.output.scrollHeight;
  }

  private showsAll(step: Step): boolean {
    return this.open ?? step.state === 'failed';
  }

  private drawOutput(step: Step): void {
    const all = this.showsAll(step);
    const has = step.output.length > 0 || step.error !== '';
    const cut = step.state === 'running' || step.state === 'stopped';
    const shown = has && (all || (cut && this.open === null));
    this.box.hidden = !shown;
    setAttribute(this.head, 'role', step.output.length ? 'button' : null);
    setAttribute(this.head, 'tabindex', step.output.length ? '0' : null);
    setAttribute(this.head, 'aria-expanded', step.output.length ? String(shown && all) : null);
    if (!shown) {
      this.drawn = '';
      return;
    }
    const lines = all ? step.output : step.output.slice(-LAST_LINES);
    const key = `${step.output_lines}/${all}/${step.state}`;
    if (key === this.drawn) return;
    this.drawn = key;
    setAttribute(this.box, 'class', `nbc-output-box nbc-output-${step.state}`);
    this.output.replaceChildren(
      ...lines.map((line) => {
        const row = make('div');
        draw(row, line, null);
        return row;
      }),
      ...(step.state === 'failed' && step.error
        ? [make('div', { class: 'nbc-bad' }, visible(reason(step)))]
        : []),
    );
    this.scrollToEnd();
    // a scrollable region must be reachable by keyboard
    setAttribute(this.output, 'tabindex', all && lines.length > 12 ? '0' : null);
    this.drawMore(step, all, lines.length);
  }

  private drawMore(step: Step, all: boolean, shown: number): void {
    const hidden = step.output_lines - shown;
    const rest = all && hidden > 0 && this.spool() ? ` · the rest is in ${visible(this.spool())}` : '';
    const action = all ? 'show less' : 'show all';
    this.more.hidden = hidden <= 0 && (!all || step.state === 'failed');
    setText(this.more, `${counted(step.output_lines, 'line')} · ${action}${rest}`);
  }
}

/** Why a step failed: its command's exit code, else the engine's words. */
function reason(step: Step): string {
  return step.exit_code === null ? step.error.replace(/\s+/g, ' ') : `exit code ${step.exit_code}`;
}

export function transferText(step: Step): string {
  const { current, total } = transferred(step.transfers);
  if (current === 0 && total === 0) return '';
  return total > current ? `${bytes(current)} / ${bytes(total)}` : bytes(current);
}

function timeText(step: Step, took: number | null): string {
  if (step.state === 'cached' || step.state === 'stopped') return step.state;
  return took === null ? '' : seconds(took);
}

/** The time axis of a build. */
export function axisOf(build: Build, now: number): Axis {
  const times = build.steps.flatMap((step) => [step.started, step.finished]).filter((time) => time !== null);
  const start = Math.min(build.started || Infinity, ...times);
  const running = !build.outcome && build.steps.some((step) => step.state === 'running');
  return {
    start,
    end: Math.max(running ? now : 0, build.ended ?? build.finished ?? 0, ...times, start + 0.1),
    now,
  };
}
