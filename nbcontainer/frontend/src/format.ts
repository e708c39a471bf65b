// Numbers for humans, in the same form as nbcontainer/views/quantities.py writes them.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const YEAR = 365 * DAY;

/** Below how many seconds: the units of an age, with their seconds (k8s.io/apimachinery/pkg/util/duration). */
const AGES: [number, [number, string], [number, string]?][] = [
  [2 * MINUTE, [1, 's']],
  [10 * MINUTE, [MINUTE, 'm'], [1, 's']],
  [3 * HOUR, [MINUTE, 'm']],
  [8 * HOUR, [HOUR, 'h'], [MINUTE, 'm']],
  [2 * DAY, [HOUR, 'h']],
  [8 * DAY, [DAY, 'd'], [HOUR, 'h']],
  [2 * YEAR, [DAY, 'd']],
  [8 * YEAR, [YEAR, 'y'], [DAY, 'd']],
  [Infinity, [YEAR, 'y']],
];

/** An age as kubectl formats it: "38s", "4m12s", "3h7m", "12d", "2y270d"; "0s" if it is in the future. */
export function formatAge(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds));
  const [, [size, unit], second] = AGES.find(([below]) => total < below) ?? [0, [1, 's']];
  const text = `${Math.floor(total / size)}${unit}`;
  const rest = second ? Math.floor((total % size) / second[0]) : 0;
  return second && rest ? `${text}${rest}${second[1]}` : text;
}

/** Bytes with a decimal unit: "0 B", "7.9 MB". */
export function bytes(count: number): string {
  const units = ['TB', 'GB', 'MB', 'kB', 'B'];
  while (count >= 999.5 && units.length > 1) {
    count /= 1000;
    units.pop();
  }
  const unit = units.at(-1);
  const places = unit === 'B' || count >= 99.95 ? 0 : count >= 9.995 ? 1 : 2;
  return `${rounded(count, places)} ${unit}`;
}

/** Seconds: "0.3 s", "14.2 s", "3 min 05 s", "2 h 07 min". */
export function seconds(value: number): string {
  const tenths = rounded(Math.max(0, value), 1);
  if (tenths < MINUTE) return `${tenths.toFixed(1)} s`;
  const whole = rounded(value, 0);
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${String(whole % MINUTE).padStart(2, '0')} s`;
  return `${Math.floor(whole / HOUR)} h ${String(Math.floor((whole % HOUR) / MINUTE)).padStart(2, '0')} min`;
}

/** Seconds without tenths: "7 s", "2 min 05 s"; "" in the first second. */
export function wholeSeconds(value: number): string {
  const whole = rounded(value, 0);
  if (value < 1) return '';
  return whole < MINUTE ? `${whole} s` : seconds(whole);
}

function rounded(value: number, places: number): number {
  const scale = 10 ** places;
  return Math.floor(value * scale + 0.5) / scale;
}

/** A count with its noun: "1 line", "1,024 lines". */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : plural}`;
}
