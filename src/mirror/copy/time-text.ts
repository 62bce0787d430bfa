import type { ColumnType } from '../../model/table.ts';

/** The types whose values are dates or times. */
export type TimeType = 'timestamptz' | 'timestamp' | 'date';

export function isTime(type: ColumnType | undefined): type is TimeType {
  return type === 'timestamptz' || type === 'timestamp' || type === 'date';
}

/** Date, time of day and zone in the extended form of ISO 8601, as RFC 3339 and OData use it. */
const ISO =
  /^(?<date>\d{4,}-\d\d-\d\d)(?:[T ](?<time>\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(?<zone>Z|[+-]\d\d(?::?\d\d)?)?$/i;
const UTC = /^(?:Z|[+-]00(?::?00)?)$/i;
const MIDNIGHT = /^[0:.]+$/;

/**
 * Writes a date or time so that no setting of a role, a database or a session decides what is stored. PostgreSQL
 * would read a time without a zone in its `TimeZone`, and would silently drop the zone of a value that has none.
 *
 * A moment (`timestamptz`) without a zone is UTC, as all times of the Web API are. A time on a clock
 * (`timestamp`) may end with `Z`, which the Web API writes after all times; another offset would mean another
 * clock. A date has no offset, and no time of day but midnight.
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
