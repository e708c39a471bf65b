// Numbers for humans, in the same form as nbcontainer/views/ writes them.

/** Bytes with a decimal unit: "0 B", "7.9 MB". */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  while (count >= 999.5 && at < units.length - 1) {
    count /= 1000;
    at += 1;
  }
  return `${at === 0 ? Math.round(count) : Number(count.toPrecision(3))} ${units[at]}`;
}

/** Seconds: "0.3 s", "14.2 s", "3 min 05 s", "2 h 07 min". */
export function seconds(value: number): string {
  const whole = Math.round(value);
  if (value < 60) return `${value.toFixed(1)} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** A count with its noun: "1 line", "1,024 lines". */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : plural}`;
}

/** The first characters of a digest: "sha256:9f2c41a0b3d1". */
export function shortDigest(digest: string): string {
  const [algorithm, hex] = digest.split(':');
  return hex === undefined ? digest.slice(0, 12) : `${algorithm}:${hex.slice(0, 12)}`;
}

/** An age as kubectl formats it: "38s", "4m12s", "3h7m", "12d" (k8s.io/apimachinery/pkg/util/duration). */
export function formatAge(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds));
  if (total < 120) return `${total}s`;
  const minutes = Math.floor(total / 60);
  if (minutes < 10) return total % 60 ? `${minutes}m${total % 60}s` : `${minutes}m`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 ? `${hours}h${minutes % 60}m` : `${hours}h`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return hours % 24 ? `${days}d${hours % 24}h` : `${days}d`;
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  if (years < 8) return days % 365 ? `${years}y${days % 365}d` : `${years}y`;
  return `${years}y`;
}
