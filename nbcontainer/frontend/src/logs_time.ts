// Times as a user writes them.

const CLOCK = /^(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d+)?))?$/;

/** A time in seconds since the epoch: "14:05", "14:05:30.5" of the day of `near`, or a date and a time; else null. */
export function momentOf(text: string, near: number): number | null {
  const clock = CLOCK.exec(text.trim());
  if (clock) {
    const day = new Date(near * 1000);
    const seconds = Number(clock[3] ?? 0);
    day.setHours(Number(clock[1]), Number(clock[2]), Math.floor(seconds), Math.round((seconds % 1) * 1000));
    return day.getTime() / 1000;
  }
  const moment = /\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text.trim().replace(' ', 'T')) : NaN;
  return Number.isNaN(moment) ? null : moment / 1000;
}
