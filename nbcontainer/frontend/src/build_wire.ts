// What the kernel sends to the view of a build, and how it is folded. Mirrors nbcontainer/views/build.py.

export type StepState = 'waiting' | 'running' | 'done' | 'cached' | 'failed' | 'stopped';

export interface Transfer {
  name: string;
  current: number;
  /** 0 where it is unknown. */
  total: number;
  done: boolean;
}

/** One build step; times are the kernel's, in seconds since the epoch. */
export interface Step {
  id: string;
  name: string;
  stage: string;
  instruction: string;
  lines: [number, number] | null;
  internal: boolean;
  state: StepState;
  started: number | null;
  finished: number | null;
  error: string;
  exit_code: number | null;
  /** The last lines of its output; `output_lines` counts all of them. */
  output: string[];
  output_lines: number;
  transfers: Transfer[];
}

export interface BuildWarning {
  line: number;
  message: string;
  severity: string;
  source: string;
  suggestion: string;
  url: string;
}

/** A whole build: the snapshot. */
export interface Build {
  title: string;
  engine: string;
  platform: string;
  tags: string[];
  started: number;
  finished: number | null;
  id: string;
  digest: string;
  size: number;
  pushed: boolean;
  spool: string;
  /** Empty while it runs. */
  outcome: '' | 'done' | 'failed' | 'stopped';
  /** Why it did not succeed, in words. */
  reason: string;
  /** When everything had ended. */
  ended: number | null;
  warnings: BuildWarning[];
  pushing: Transfer[];
  /** In build order. */
  steps: Step[];
}

/** What changed: whole fields of the build, and whole steps, except that `output` has only the new lines. */
export interface BuildMessage {
  build?: Partial<Omit<Build, 'steps'>>;
  steps?: (Omit<Step, 'output'> & { output?: string[] })[];
  /** The ids in build order, if that changed. */
  order?: string[];
}

const OUTPUT_LINES = 400; // as in model/build.py

export function applyBuild(build: Build, message: BuildMessage): Build {
  const steps = new Map(build.steps.map((step) => [step.id, step]));
  for (const changed of message.steps ?? []) {
    const known = steps.get(changed.id)?.output ?? [];
    const output = changed.output ? [...known, ...changed.output].slice(-OUTPUT_LINES) : known;
    steps.set(changed.id, { ...changed, output });
  }
  const order = message.order ?? [...steps.keys()];
  return {
    ...build,
    ...message.build,
    steps: order.map((id) => steps.get(id)).filter((step) => step !== undefined),
  };
}

/** How far the transfers are: bytes done and, where every total is known, bytes overall (else 0). */
export function transferred(transfers: readonly Transfer[]): { current: number; total: number } {
  const current = transfers.reduce((sum, part) => sum + part.current, 0);
  const known = transfers.every((part) => part.total > 0);
  return { current, total: known ? transfers.reduce((sum, part) => sum + part.total, 0) : 0 };
}

/** How much of the build is done, 0…1: instructions all count the same, a running one by its transferred bytes. */
export function fraction(build: Build): number {
  const steps = build.steps.filter((step) => !step.internal);
  if (!steps.length) return build.outcome === 'done' ? 1 : 0;
  let done = 0;
  for (const step of steps) {
    if (step.state === 'done' || step.state === 'cached') done += 1;
    else if (step.state === 'running') {
      const { current, total } = transferred(step.transfers);
      done += total > 0 ? Math.min(1, current / total) : 0.3;
    }
  }
  let parts = steps.length;
  if (build.pushing.length) {
    parts += 1;
    const { current, total } = transferred(build.pushing);
    if (total > 0) done += Math.min(1, current / total);
  }
  return build.outcome === 'done' ? 1 : Math.min(done / parts, 0.99);
}
