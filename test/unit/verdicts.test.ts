import { expect, test } from 'vitest';
import type { Suspect } from '../../src/mirror/verify/suspects.ts';
import { judge, type Found, type Judgement } from '../../src/sync/verify/verdicts.ts';

const id = { key: '11111111-1111-4111-8111-111111111111', partition: null };

const MISSING: Suspect = {
  id,
  kind: 'missing',
  sourceVersion: 7n,
  mirrorVersion: null,
  isPresent: false,
  wasGone: false,
  columns: [],
  fingerprint: null,
};
const STALE: Suspect = { ...MISSING, kind: 'stale', mirrorVersion: 6n, isPresent: true };
const EXTRA: Suspect = { ...MISSING, kind: 'extra', sourceVersion: null, mirrorVersion: 6n, isPresent: true };
const VALUES: Suspect = { ...MISSING, kind: 'values', mirrorVersion: 7n, isPresent: true, columns: ['name'] };

const there = (version: bigint, columns: readonly string[] = []): Found => ({
  is: 'there',
  version,
  columns,
  fingerprint: null,
});

/** In short: settled, again, or the kind of the difference. */
const short = ({ verdict, difference }: Judgement): string => difference?.kind ?? verdict.is;

test.each([
  ['a missing row with the same version at both looks is a difference', MISSING, there(7n), 'missing'],
  ['a missing row that changed between both looks is looked at again', MISSING, there(8n), 'again'],
  ['a missing row that is gone by now is none', MISSING, { is: 'gone' }, 'settled'],
  ['a stale row with the same version at both looks is a difference', STALE, there(7n), 'stale'],
  ['a stale row that changed between both looks is looked at again', STALE, there(8n), 'again'],
  ['a stale row that the mirror has by now is none', { ...STALE, mirrorVersion: 7n }, there(7n), 'settled'],
  ['an extra row that is gone for the first time is looked at again', EXTRA, { is: 'gone' }, 'again'],
  [
    'an extra row that is gone at both looks is a difference',
    { ...EXTRA, wasGone: true },
    { is: 'gone' },
    'extra',
  ],
  ['an extra row that the source has in the same version is none', EXTRA, there(6n), 'settled'],
  [
    'a row with other values in the same version at both looks is a difference',
    VALUES,
    there(7n, ['name']),
    'values',
  ],
  ['a row whose values are equal by now is none', VALUES, there(7n), 'settled'],
  [
    'a row that the identity may not read is never a difference',
    { ...EXTRA, wasGone: true },
    { is: 'unreadable' },
    'settled',
  ],
] satisfies [string, Suspect, Found, string][])(
  'a suspect is judged by both looks: %s',
  (_, suspect, found, expected) => {
    expect(short(judge(suspect, found, null))).toBe(expected);
  },
);

test('a version above what the delta has reached is yet to come, and is looked at again', () => {
  expect(short(judge(MISSING, there(7n), 6n))).toBe('again');
  expect(short(judge(MISSING, there(7n), 7n))).toBe('missing');
});
