// What all running views share: a Stop button, and a clock that only ticks while it is visible.

import { make, setText } from './elements';
import type { Live } from './live';
import { STRINGS } from './strings';

const LATE = 2500; // milliseconds without a reaction after which the user is pointed to the kernel's interrupt button

export class StopButton {
  readonly element = make('span', { class: 'nbc-stop' });
  private readonly hint = make('span', { class: 'nbc-dim', role: 'status' });
  private readonly button = make('button', { class: 'nbc-button', type: 'button' }, STRINGS.stop);

  constructor(live: Live<unknown>) {
    this.element.append(this.hint, this.button);
    this.button.addEventListener('click', () => {
      this.button.disabled = true;
      setText(this.button, STRINGS.stopping);
      void live.act('stop');
      setTimeout(() => {
        if (!live.finished) setText(this.hint, STRINGS.busy);
      }, LATE);
    });
  }

  draw(running: boolean): void {
    this.element.hidden = !running;
  }
}

export class Ticker {
  private timer: number | undefined;

  constructor(
    private readonly element: HTMLElement,
    private readonly tick: () => void,
  ) {}

  run(running: boolean): void {
    if (running === (this.timer !== undefined)) return;
    if (!running) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.timer = window.setInterval(
      () => {
        if (!document.hidden && this.element.isConnected) this.tick();
      },
      calm ? 1000 : 100,
    );
  }
}
