import type { ColumnType } from '../../model/table.ts';

/** The types whose values are dates or times. */
export type TimeType = 'timestamptz' | 'timestamp' | 'date';

export function isTime(type: ColumnType | undefined): type is TimeType {
  return type === 'timestamptz' || type === 'timestamp' || type === 'date';
}

/** Date, time of day and zone by ISO 8601 in its extended form, as RFC 3339 and OData have it. */
const ISO =
  /^(?<date>\d{4,}-\d\d-\d\d)(?:[T ](?<time>\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(?<zone>Z|[+-]\d\d(?::?\d\d)?)?$/i;
const UTC = /^(?:Z|[+-]00(?::?00)?)$/i;
const MIDNIGHT = /^[0:.]+$/;

/**
 * A date or time as PostgreSQL is to read it, so that no setting of a role, a database or a session has a
 * say in what is stored: PostgreSQL takes a time without a zone for one of its `TimeZone`, and a zone on a
 * value that has none it drops without a word.
 *
 * A moment (`timestamptz`) without a zone is UTC, as all times of the Web API are. A time on a clock
 * (`timestamp`) may end with `Z`, which the Web API writes behind all times; another offset would say that
 * the clock is another one. A date has neither an offset nor a time of day, but for midnight.
 *
 * @param text the value's characters.
 * @returns what to write, or why the value cannot be stored.
 */
export function timeText(
  text: string,
  type: TimeType,
): { readonly text: string } | { readonly reason: string } {
  const parts = ISO.exec(text)?.groups;
  const date = parts?.['date'];
  if (date === undefined) return { reason: 'no date or time by ISO 8601' };
  const { time = '00:00', zone } = parts ?? {};
  if (type === 'timestamptz') return { text: `${date}T${time}${zone ?? 'Z'}` };
  if (zone !== undefined && !UTC.test(zone)) {
    return { reason: 'an offset from UTC where a value without a zone was expected' };
  }
  if (type === 'timestamp') return { text: `${date}T${time}` };
  if (!MIDNIGHT.test(time)) return { reason: 'a time of day where a date was expected' };
  return { text: date };
}
