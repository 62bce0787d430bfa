import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/command.ts';
import { pauseEnd } from '../../src/cli/commands/control/pause-end.ts';

const NOW = new Date('2026-11-30T12:00:00Z');
const end = (duration?: string, until?: string) => pauseEnd(duration, until, NOW);

describe('the end of a pause', () => {
  it.each([
    ['90s', 90_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
  ])('--for %s lasts %i ms', (duration, lasting) => {
    expect(end(duration)).toEqual({ lasting });
  });

  it.each([
    ['2026-12-24T18:00Z', '2026-12-24T18:00:00Z'],
    ['2026-12-24 18:00:30+01:00', '2026-12-24T17:00:30Z'],
    ['2026-12-24 18:00 Z', '2026-12-24T18:00:00Z'],
  ])('--until %s is that moment', (until, moment) => {
    expect(end(undefined, until)).toEqual({ until: new Date(moment) });
  });

  it('--until without a zone is in the time zone of the process, and a date is its beginning', () => {
    expect(end(undefined, '2027-01-31 18:00')).toEqual({ until: new Date(2027, 0, 31, 18) });
    expect(end(undefined, '2027-01-31')).toEqual({ until: new Date(2027, 0, 31) });
  });

  it('a pause without an option has no end of its own', () => {
    expect(end()).toEqual({});
  });

  it.each([
    ['2', undefined],
    ['0h', undefined],
    ['-1h', undefined],
    ['2 hours', undefined],
    ['999999w', undefined],
    [undefined, 'tomorrow'],
    [undefined, '2027-02-31'],
    [undefined, '2027-13-01'],
    [undefined, '2027-01-31 25:00'],
    [undefined, '2026-11-30T11:59Z'],
    [undefined, '9999-01-01'],
    ['1h', '2027-01-31'],
  ])('--for %s --until %s is refused', (duration, until) => {
    expect(() => end(duration, until)).toThrow(UsageError);
  });
});
