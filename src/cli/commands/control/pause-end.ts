import { UsageError } from '../../command.ts';

type Option = string | boolean | undefined;

/** When a pause ends: at a time, or after so many milliseconds; neither, if the user did not say. */
export interface PauseEnd {
  readonly until?: Date;
  readonly lasting?: number;
}

/** Milliseconds. */
const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** A longer pause is a mistake of typing, and no calendar of PostgreSQL or JavaScript is at its end. */
const LONGEST = 10 * 365 * 86_400_000;

const TIME =
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:[T ](?<clock>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s?(?<zone>Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Reads `--for` and `--until`. A time without a zone is read in the time zone of the process, and a date alone is its
 * beginning.
 *
 * @throws UsageError
 */
export function pauseEnd(duration: Option, time: Option, now: Date): PauseEnd {
  if (duration !== undefined && time !== undefined) {
    throw new UsageError('A pause takes --for or --until, not both.');
  }
  if (typeof duration === 'string') return { lasting: milliseconds(duration) };
  if (typeof time !== 'string') return {};
  const until = moment(time);
  if (until <= now) throw new UsageError(`--until ${time} is in the past.`);
  if (until.getTime() - now.getTime() > LONGEST) throw new UsageError(`--until ${time} is too far away.`);
  return { until };
}

function milliseconds(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text) ?? [];
  const length = Math.round(Number(amount) * (UNITS[unit] ?? 0));
  if (length > 0 && length <= LONGEST) return length;
  throw new UsageError(`--for ${text} must be a duration such as 30m, 2h or 3d.`);
}

function moment(text: string): Date {
  const { year, month, day, clock = '00:00', zone = '' } = TIME.exec(text)?.groups ?? {};
  const date = new Date(`${year}-${month}-${day}T${clock}${zone}`);
  // JavaScript reads 31 February as a day in March.
  const isDay = Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (isDay && !Number.isNaN(date.getTime())) return date;
  throw new UsageError(`--until ${text} must be a time such as 2027-01-31 or '2027-01-31 18:00Z'.`);
}
