import type { Random } from '../seeding/random.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** A moment between both ends, in milliseconds since 1970, and mostly in the working hours of a weekday. */
export function workMoment(random: Random, from: number, to: number): number {
  const at = from + random.next() * Math.max(0, to - from);
  const midnight = at - (at % DAY);
  const weekday = new Date(midnight).getUTCDay();
  const monday = weekday === 6 ? 2 * DAY : weekday === 0 ? DAY : 0;
  const minute = random.integer(7 * 60, 17 * 60);
  const shifted = midnight + monday + minute * 60_000 + random.integer(0, 59) * 1_000;
  return shifted >= from && shifted <= to ? shifted : at;
}

/** The moment as a row has it, in whole seconds. */
export function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** The day of the moment. */
export function dateText(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
