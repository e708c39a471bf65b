// The view of a build: what is running, what is done and how long it took, during the build and afterwards.

import { visible } from './ansi';
import { StepRow, axisOf, transferText } from './build_steps';
import { applyBuild, fraction, transferred, type Build, type BuildMessage, type Step } from './build_wire';
import { make, setAttribute, setCutText, setText } from './elements';
import { bytes, counted, seconds, shortDigest } from './format';
import { linkText, liveWidget, type Live, type View } from './live';
import { StopButton, Ticker } from './running';

type Phase = 'building' | 'pushing' | 'done' | 'failed' | 'stopped' | 'lost';

const TONES: Record<Phase, string> = {
  building: 'nbc-running',
  pushing: 'nbc-running',
  done: 'nbc-good',
  failed: 'nbc-bad',
  stopped: 'nbc-warning',
  lost: 'nbc-warning',
};

const ENGINE = 'engine'; // the heading for steps that do not belong to an instruction
const SHORT = 1; // seconds; a finished internal step that took less is not worth a row

class BuildView implements View {
  private readonly title = make('b');
  private readonly tags = make('span', { class: 'nbc-tags' });
  private readonly phase = make('span', { role: 'status' });
  private readonly head: HTMLElement;
  private readonly facts = make('span', { class: 'nbc-dim nbc-facts' });
  private readonly where = make('span', { class: 'nbc-chip' });
  private readonly bar = make('i');
  private readonly progress = make(
    'div',
    {
      class: 'nbc-progress',
      role: 'progressbar',
      'aria-label': 'Build',
      'aria-valuemin': 0,
      'aria-valuemax': 100,
    },
    this.bar,
  );
  private readonly steps = make('div', { class: 'nbc-steps' });
  private readonly reason = make('div', { class: 'nbc-reason nbc-code nbc-bad' });
  private readonly warnings = make('div', { class: 'nbc-warnings', role: 'list', 'aria-label': 'Warnings' });
  private readonly rows = new Map<string, StepRow>();
  private readonly stop: StopButton;
  private readonly ticker: Ticker;
  private outline = '';
  private warned = -1;

  constructor(
    element: HTMLElement,
    private readonly live: Live<Build>,
  ) {
    this.stop = new StopButton(live);
    this.head = make(
      'div',
      { class: 'nbc-bar' },
      this.title,
      this.tags,
      this.phase,
      this.facts,
      make('span', { class: 'nbc-right' }, this.where, this.stop.element),
    );
    const root = make('div', { class: 'nbc nbc-build', role: 'group', 'aria-label': 'Build' });
    root.append(this.head, this.progress, this.steps, this.reason, this.warnings);
    root.addEventListener('keydown', (event) => moveFocus(root, event));
    element.append(root);
    this.ticker = new Ticker(root, () => this.tick());
  }

  draw(): void {
    const build = this.live.state;
    const phase = phaseOf(build, this.live);
    setCutText(this.title, visible(build.title || 'image'));
    const others = build.tags.filter((tag) => tag !== build.title);
    setCutText(this.tags, others.length ? `+ ${others.map(visible).join(', ')}` : '');
    this.tags.hidden = !others.length;
    setText(this.phase, linkText(this.live) || phaseText(phase, build));
    setAttribute(this.phase, 'class', TONES[phase]);
    setCutText(this.where, [build.engine, build.platform].filter(Boolean).map(visible).join(' · '));
    this.where.hidden = !build.engine && !build.platform;
    const done = fraction(build);
    const running = phase === 'building' || phase === 'pushing';
    this.progress.hidden = !running;
    setAttribute(this.progress, 'aria-valuenow', String(Math.round(done * 100)));
    this.bar.style.transform = `scaleX(${done.toFixed(3)})`;
    this.head.classList.toggle('nbc-ended', !running);
    this.stop.draw(running);
    this.drawSteps(build);
    // a failed step shows the reason itself, with its output
    const shownByStep = build.steps.some((step) => step.state === 'failed');
    const reason = phase === 'failed' && !shownByStep ? build.reason : '';
    setText(this.reason, reason.split('\n').map(visible).join('\n'));
    this.reason.hidden = !reason;
    this.drawWarnings(build);
    this.ticker.run(running);
    this.tick();
  }

  dispose(): void {
    this.ticker.run(false);
  }

  private tick(): void {
    const build = this.live.state;
    const axis = axisOf(build, this.live.now());
    for (const row of this.rows.values()) row.tick(axis);
    setCutText(this.facts, factsText(phaseOf(build, this.live), build, axis));
  }

  private drawSteps(build: Build): void {
    const groups = grouped(build.steps);
    const outline = JSON.stringify(
      [...groups].map(([stage, steps]) => [stage, steps.map((step) => step.id)]),
    );
    if (outline !== this.outline) {
      this.outline = outline;
      const sections = [...groups].map(([stage, steps]) => {
        const name = visible(stageName(stage, [...groups.keys()]));
        const heading = name ? make('div', { class: 'nbc-stage', 'aria-hidden': 'true' }, name) : null;
        const list = make('div', {
          role: 'list',
          'aria-label': name === ENGINE ? 'Engine' : name ? `Stage ${name}` : 'Steps',
        });
        list.append(...steps.map((step) => this.row(step.id).element));
        return make('div', { class: 'nbc-section' }, heading, list);
      });
      this.steps.replaceChildren(...sections);
      this.steps.hidden = !sections.length;
    }
    const shown = [...groups.values()].flat();
    const widest = Math.max(...shown.map((step) => transferText(step).length));
    this.steps.style.setProperty('--nbc-bytes-width', widest > 0 ? `${widest + 0.5}ch` : '0px');
    for (const step of shown) this.row(step.id).draw(step);
  }

  private row(id: string): StepRow {
    let row = this.rows.get(id);
    if (!row) {
      row = new StepRow(() => this.live.state.spool);
      this.rows.set(id, row);
    }
    return row;
  }

  private drawWarnings(build: Build): void {
    if (build.warnings.length === this.warned) return;
    this.warned = build.warnings.length;
    this.warnings.hidden = !this.warned;
    this.warnings.replaceChildren(
      ...build.warnings.map((warning) =>
        make(
          'div',
          { class: 'nbc-warn', role: 'listitem' },
          make('span', { class: 'nbc-warning', 'aria-hidden': 'true' }, '!'),
          make('span', { class: 'nbc-lines nbc-code nbc-dim' }, warning.line ? String(warning.line) : ''),
          make(
            'span',
            {},
            make('span', { class: 'nbc-hidden' }, 'warning: '),
            visible(warning.message),
            make('span', { class: 'nbc-dim' }, warning.suggestion ? ` · ${visible(warning.suggestion)}` : ''),
            make('span', { class: 'nbc-dim' }, warning.source ? ` · ${visible(warning.source)}` : ''),
          ),
        ),
      ),
    );
  }
}

/** The steps by stage, both in build order; the engine's own work comes last, and only if it is worth a row. */
function grouped(steps: readonly Step[]): Map<string, Step[]> {
  const groups = new Map<string, Step[]>();
  const engine: Step[] = [];
  for (const step of steps) {
    if (step.internal) {
      const took = step.started === null ? 0 : (step.finished ?? Infinity) - step.started;
      if (step.state === 'failed' || (step.state !== 'waiting' && took >= SHORT)) engine.push(step);
      continue;
    }
    const stage = step.stage || 'steps';
    groups.set(stage, [...(groups.get(stage) ?? []), step]);
  }
  if (engine.length) groups.set(ENGINE, engine);
  return groups;
}

/** A stage's heading: one without a name of its own ("stage-1") is called "final", or by its number. */
function stageName(stage: string, stages: string[]): string {
  const own = stages.filter((name) => name !== ENGINE);
  const nameless = /^stage-(\d+)$/.exec(stage);
  if (!nameless) return stage;
  if (own.length === 1) return '';
  return stage === own.at(-1) ? 'final' : `stage ${nameless[1]}`;
}

function phaseOf(build: Build, live: Live<Build>): Phase {
  if (build.outcome) return build.outcome;
  if (live.stopped) return 'stopped';
  if (!live.finished && live.link === 'gone') return 'lost';
  if (live.finished || build.steps.some((step) => step.state === 'failed')) return 'failed';
  return build.pushing.length ? 'pushing' : 'building';
}

function phaseText(phase: Phase, build: Build): string {
  if (phase === 'done') return build.pushed ? '✓ built and pushed' : '✓ built';
  if (phase === 'stopped') return build.id ? '■ stopped: built, not pushed' : '■ stopped';
  if (phase === 'lost') return '';
  if (phase !== 'failed') return phase;
  const step = build.steps.find((candidate) => candidate.state === 'failed');
  if (!step) return build.id ? '✕ built, not pushed' : '✕ failed';
  const where = step.lines ? ` at line ${step.lines[0]}` : '';
  return `✕ failed${where}${step.exit_code === null ? '' : `, exit code ${step.exit_code}`}`;
}

function factsText(phase: Phase, build: Build, axis: { start: number; end: number; now: number }): string {
  const steps = build.steps.filter((step) => !step.internal);
  const count = (...states: string[]) => steps.filter((step) => states.includes(step.state)).length;
  const cached = count('cached');
  const running = phase === 'building' || phase === 'pushing';
  const took = seconds(Math.max(0, (build.ended ?? (running ? axis.now : axis.end)) - axis.start) || 0);
  const cache = cached ? [`${cached} cached`] : [];
  if (phase === 'done') {
    const cost = cached ? `${took}, ${cached} of ${steps.length} cached` : took;
    return [...(build.digest || build.id ? [shortDigest(build.digest || build.id)] : [])]
      .concat(build.size ? [bytes(build.size)] : [], [cost])
      .join(' · ');
  }
  if (phase === 'failed' || phase === 'stopped' || phase === 'lost')
    return [`after ${took}`, ...cache].join(' · ');
  const finished = count('done', 'cached');
  const parts = [`${finished} of ${counted(steps.length, 'step')}`, ...cache, took];
  if (phase === 'pushing') {
    const { current, total } = transferred(build.pushing);
    parts.unshift(total ? `${bytes(current)} / ${bytes(total)}` : bytes(current));
  }
  return steps.length ? parts.join(' · ') : took;
}

/** Arrow keys move between the steps that have output. */
function moveFocus(root: HTMLElement, event: KeyboardEvent): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const stops = [...root.querySelectorAll<HTMLElement>('.nbc-step[tabindex]')];
  const at = stops.indexOf(event.target as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  event.stopPropagation(); // otherwise the notebook moves to the next cell
  stops[at + (event.key === 'ArrowDown' ? 1 : -1)]?.focus();
}

export default liveWidget<Build, BuildMessage>({
  apply: applyBuild,
  mount: (element, live) => new BuildView(element, live),
});
