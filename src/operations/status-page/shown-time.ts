import { readableSpan, readableTime } from '../../model/readable-figures.ts';
import { markup, type Html } from './markup.ts';

/** How a moment is told: as the time since then, or until then. */
export type TellTime = (moment: string | Date) => Html;

/**
 * @param now milliseconds since 1970, by the clock that made the moments. Undefined leaves the text to the script,
 *   which writes it each second.
 */
export function timeTeller(now: number | undefined): TellTime {
  return (moment) => {
    const at = new Date(moment);
    const iso = readableTime(at);
    return markup`<time datetime="${iso}">${now === undefined ? null : distance(at.getTime() - now)}</time>`;
  };
}

/** `3 s ago`, or `in 3 h 5 min`. The script does the same. @param milliseconds from now. */
function distance(milliseconds: number): string {
  const span = readableSpan(Math.abs(milliseconds) / 1_000);
  return milliseconds > 0 ? `in ${span}` : `${span} ago`;
}

/** `2026-11-28 14:20 UTC`. */
export function clockTime(moment: string | Date): string {
  const [day = '', time = ''] = new Date(moment).toISOString().split('T');
  return `${day} ${time.slice(0, 5)} UTC`;
}
