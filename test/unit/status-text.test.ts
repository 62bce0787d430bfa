import { stripVTControlCharacters, styleText } from 'node:util';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesOf, shortened } from '../../src/cli/text/screen.ts';
import { statusLines } from '../../src/cli/text/status-text.ts';
import type { Phase } from '../../src/model/checkpoint.ts';
import { longestSilence } from '../../src/sync/schedule/longest-silence.ts';
import type { StatusEntry, StatusReport } from '../../src/operations/status/mirror-status.ts';

const NOW = Date.parse('2026-11-28T12:00:00Z');
const DAY = 86_400_000;
const NO_REQUESTS = { total: 0, perChangedRow: null, perIdleHour: null, since: null };
const before = (milliseconds: number): string => new Date(NOW - milliseconds).toISOString();

function entry(table: string, more: Partial<StatusEntry> = {}): StatusEntry {
  return {
    table,
    phase: 'delta',
    configured: true,
    elsewhere: false,
    rows: 1_234,
    rowsLoaded: null,
    rowsExpected: null,
    etaSeconds: null,
    loadStoodAt: null,
    paused: null,
    verified: null,
    lastSuccessAt: before(3_000),
    lagSeconds: 3,
    behind: false,
    lastAttempt: { at: before(3_000), running: false, recent: true },
    linkIssuedAt: before(3_000),
    linkExpiresAt: before(-7 * DAY),
    quarantined: 0,
    error: null,
    requests: NO_REQUESTS,
    ...more,
  };
}

function report(tables: readonly StatusEntry[], budget: Partial<StatusReport['budget']> = {}): StatusReport {
  return {
    environment: {
      url: 'https://contoso.crm.dynamics.com',
      organizationId: '00aa00aa-bb11-cc22-dd33-44ee44ee44ee',
      requests: { total: 2_140, perChangedRow: 0.0011, perIdleHour: 118, since: before(14 * DAY) },
    },
    budget: {
      requestsIn5Minutes: 20,
      limit: 6_000,
      throttledUntil: null,
      requestsIn24Hours: 900,
      requestsPerDay: null,
      ...budget,
    },
    tables,
    webhooks: [],
    files: { stored: 0, waiting: 0, failed: 0 },
  };
}

/** Colours a text whatever the terminal can. */
function paint(colour: Parameters<typeof styleText>[0], text: string): string {
  return styleText(colour, text, { validateStream: false });
}

const PLAIN = { width: 80, wide: false, now: NOW, paint: (_: unknown, text: string) => text };
const ERROR = {
  code: 'privilege-missing',
  message: 'The identity may not read table contact, because it has no privilege prvReadContact.',
  remedy: 'Give its role Read on contact at organization level, as the documents about privileges say.',
};

const EVERYTHING = report(
  [
    entry('account', {
      phase: 'baseline',
      rowsLoaded: 610_000,
      rowsExpected: 1_000_000,
      etaSeconds: 720,
      lagSeconds: null,
    }),
    entry('contact', { phase: 'failed', error: ERROR, lagSeconds: 11_100 }),
    entry('lead', { quarantined: 2 }),
    entry('msdyn_workorderproductwithaverylongnamethatgoesonandon_v2', { lagSeconds: 90 }),
    entry('old_table', { configured: false, lagSeconds: 300_000 }),
    entry('task', {
      phase: 'paused',
      paused: { since: before(7_200_000), until: before(-DAY), reason: 'migration' },
    }),
  ],
  { requestsIn5Minutes: 5_400, throttledUntil: before(-180_000) },
);

test('status for people tells the whole, then what needs somebody first', () => {
  const lines = statusLines(EVERYTHING, PLAIN);
  expect(lines[0]).toBe('5 tables: 2 up to date, 1 failed, 1 paused, 1 loading');
  const names = lines.flatMap((line) => /^(\S+) +(?:failed|paused|delta|baseline)\b/.exec(line)?.[1] ?? []);
  expect(names.map((name) => name.slice(0, 5))).toEqual(['conta', 'task', 'accou', 'lead', 'msdyn', 'old_t']);
  const text = lines.join('\n');
  expect(text).toContain('  61 % (610,000 of 1,000,000 rows), 12 min left.');
  expect(text).toContain('Paused for 2 h, and goes on by itself in 1 d. Reason: migration');
  expect(text).toMatch(/^contact +failed +1,234 +3 h 5 min ago$/m);
  expect(text).toContain('  privilege-missing: The identity may not read table contact');
  expect(text).toContain('2 rows in quarantine: `mirrorverse quarantine lead` says why.');
  expect(text).toContain('Throttled: the environment takes no requests for another 3 min.');
  expect(text).toContain('The budget is short: 5,400 of 6,000 requests in 5 minutes are spent.');
});

test('status for people puts a table that nobody polls any more before the others, and says so', () => {
  const old = { lagSeconds: 259_200, behind: true };
  const lastAttempt = { at: before(3 * DAY), running: false, recent: false };
  const lines = statusLines(
    report([
      entry('account'),
      entry('contact', { ...old, lastAttempt }),
      entry('lead', { ...old, lastAttempt, error: ERROR }),
      entry('task', { ...old, error: ERROR }),
    ]),
    { ...PLAIN, width: 200 },
  );
  expect(lines[0]).toBe('4 tables: 1 up to date, 2 behind, 1 retrying');
  expect(lines.filter((line) => line.startsWith('  Behind'))).toEqual([
    '  Behind: last up to date 3 d ago; no process has polled it since: is the daemon running?',
    '  Behind: last up to date 3 d ago; no process has polled it lately: is the daemon running?',
  ]);
  expect(lines.at(-1)).toMatch(/^account/);
});

const hours = (schedule?: string): number => longestSilence(schedule) / 3_600;

test('status for people tells how many files wait and how many failed, and nothing if none do', () => {
  const lines = statusLines(
    { ...report([entry('account')]), files: { stored: 9, waiting: 1_200, failed: 1 } },
    PLAIN,
  );
  expect(lines).toContain('1,200 files to be fetched.');
  expect(lines).toContain('1 file could not be fetched: see docs/files.md.');
  expect(statusLines(report([entry('account')]), PLAIN).join()).not.toContain('file');
});

test('status for people tells of the webhooks that need somebody, and of no other', () => {
  const fine = {
    webhook: 'fine',
    lastSuccessAt: before(3_000),
    failingSince: null,
    reason: null,
    stoppedAt: null,
    deadLetters: 0,
  };
  const webhooks = [
    fine,
    { ...fine, webhook: 'refusing', failingSince: before(300_000), reason: 'status 503' },
    { ...fine, webhook: 'gone', stoppedAt: before(7_200_000), deadLetters: 2 },
  ];
  const said = statusLines({ ...report([entry('account')]), webhooks }, PLAIN).filter((line) =>
    line.includes('ebhook'),
  );
  expect(said).toEqual([
    'Webhook refusing has refused changes for 5 min (status 503).',
    'Webhook gone said 2 h ago that it is gone, and gets nothing.',
    'Webhook gone has 2 dead letters: see docs/webhooks.md.',
  ]);
});

test('status for people tells an error once that several tables share, with their names', () => {
  const tables = [entry('a', { error: ERROR }), entry('b', { error: ERROR }), entry('c')];
  const text = statusLines(report(tables), { ...PLAIN, width: 300 }).join('\n');
  expect(text.split(ERROR.message)).toHaveLength(2);
  expect(text.split(ERROR.remedy)).toHaveLength(2);
  expect(text).toContain('privilege-missing: (a, b) The identity');
});

test('status for people says that a load stands still, since when, and what goes on with it', () => {
  const load = { phase: 'baseline', rowsLoaded: 12_510, rowsExpected: 32_000, rows: 12_550 } as const;
  const loadStoodAt = '2026-11-28T11:40:12.123Z';
  const lines = statusLines(report([entry('lead', { ...load, loadStoodAt })]), { ...PLAIN, width: 200 });
  expect(lines[0]).toBe('1 table: 1 half loaded');
  expect(lines.slice(-3)).toEqual([
    expect.stringMatching(/^lead +baseline +12,510 /) as string,
    '  No process loads it: the load stands still since 2026-11-28 11:40:12 UTC. `mirrorverse run` or `mirrorverse backfill lead` goes on with it; a running daemon does so by itself.',
    '  39 % (12,510 of 32,000 rows).',
  ]);
  expect(statusLines(report([entry('lead', load)]), PLAIN)[0]).toBe('1 table: 1 loading');
});

test('a table is allowed three of the longest gaps of its schedule', () => {
  expect(hours('* * * * *')).toBe(0.25);
  expect(hours('*/30 * * * * *')).toBe(0.25);
  expect(hours('*/20 * * * *')).toBe(1);
  expect(hours('0 6 * * *')).toBe(72);
  expect(hours('* 8-17 * * 1-5')).toBe(3 * 63);
  expect(hours('0 8 * * 1-5')).toBe(3 * 72);
  expect(hours('adaptive')).toBe(3);
  expect(hours()).toBe(2);
});

test('status for people sets tables apart that are no longer configured, and says how to remove them', () => {
  const lines = statusLines(EVERYTHING, PLAIN);
  const apart = lines.indexOf('No longer configured:');
  expect(lines[apart + 2]).toMatch(/^old_table +delta/);
  expect(lines[apart + 3]).toBe('`mirrorverse forget old_table` removes what is kept of it.');
});

test('status for people says which tables another process mirrors, and how to remove only the others', () => {
  const tables = [
    entry('contact', { configured: false, elsewhere: true }),
    entry('lead', { configured: false }),
  ];
  const lines = statusLines(report(tables), PLAIN);
  expect(lines.slice(-4)).toEqual([
    expect.stringMatching(/^contact +delta/) as string,
    '  Another process mirrors it, with another configuration.',
    expect.stringMatching(/^lead +delta/) as string,
    '`mirrorverse forget lead` removes what is kept of it.',
  ]);
  expect(statusLines(report(tables.slice(0, 1)), PLAIN).join('\n')).not.toContain('forget');
});

/** What is told of a table whose link was issued and expires so long before now. */
function link(issued: number, expires: number): string {
  const tables = [entry('a', { linkIssuedAt: before(issued), linkExpiresAt: before(expires) })];
  return statusLines(report(tables), PLAIN).join('\n');
}

test('status for people tells of a delta link only in the second half of its life', () => {
  expect(link(3 * DAY, -4 * DAY)).not.toContain('link');
  expect(link(5 * DAY, -2 * DAY)).toContain('Its delta link expires in 2 d unless a run renews it.');
  expect(link(8 * DAY, DAY)).toContain('Its delta link has expired: the next run re-baselines the table.');
});

test('status for people has requests and links only with wide', () => {
  expect(statusLines(EVERYTHING, PLAIN).join('\n')).not.toMatch(/requests\/row|API requests/);
  const wide = statusLines(EVERYTHING, { ...PLAIN, wide: true }).join('\n');
  expect(wide).toMatch(/^table .*link issued/m);
  expect(wide).toMatch(/^table .*requests\/idle h$/m);
  const roomy = statusLines(EVERYTHING, { ...PLAIN, width: 250, wide: true }).join('\n');
  expect(roomy).toMatch(/^table +phase .* link issued +link expires +requests\/row +requests\/idle h$/m);
  expect(wide).toMatch(
    /^2,140 API requests about tables since \S+Z, 0.0011 for each\s+changed row, 118 an hour/m,
  );
});

test('status for people tells the last verification if there is room for it, and differences always', () => {
  const proof = { at: before(3 * 3_600_000), method: 'values', throughVersion: '40551823', differences: 2 };
  const shown = report([
    entry('account', { verified: { ...proof, differences: 0 } }),
    entry('lead', { verified: proof }),
    entry('task'),
  ]);
  const lines = statusLines(shown, PLAIN);
  expect(lines[0]).toBe('3 tables: 3 up to date');
  expect(lines.slice(3)).toEqual([
    'table    phase   rows  last success  verified',
    'lead     delta  1,234  3 s ago       3 h ago',
    '  2 rows differ from the source, as verified 3 h ago: `mirrorverse verify lead`',
    '  names them.',
    'account  delta  1,234  3 s ago       3 h ago',
    'task     delta  1,234  3 s ago       never',
  ]);
  const narrow = statusLines(shown, { ...PLAIN, width: 40 }).join('\n');
  expect(narrow).not.toContain('verified\n');
  expect(narrow).toContain('2 rows differ');
  expect(statusLines(shown, { ...PLAIN, wide: true }).join('\n')).toMatch(/ through version .* 40551823 /s);
});

const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,99}$/);
const sentence = fc.stringMatching(/^[a-zA-Z0-9 ./:`-]{1,400}$/);
const number = fc.nat({ max: 2_000_000_000 });
const anyEntry = fc
  .record({
    phase: fc.constantFrom<Phase>('new', 'baseline', 'delta', 'rebaseline', 'paused', 'attention', 'failed'),
    configured: fc.boolean(),
    rows: number,
    rowsLoaded: fc.option(number),
    rowsExpected: fc.option(number),
    etaSeconds: fc.option(number),
    lagSeconds: fc.option(fc.nat({ max: 300_000_000 })),
    quarantined: number,
    verified: fc.option(
      fc.record({
        at: fc.integer({ min: 0, max: 900 }).map((days) => before(days * DAY)),
        method: fc.constant('sweep'),
        throughVersion: fc.constant('40551823'),
        differences: number,
      }),
    ),
    error: fc.option(fc.record({ code: name, message: sentence, remedy: sentence })),
    paused: fc.option(
      fc.record({ since: fc.constant(before(DAY)), until: fc.constant(null), reason: fc.option(sentence) }),
    ),
  })
  .chain((more) => name.map((table) => entry(table, more)));

test('status for people has no line that is wider than the terminal, at 60, 80 and any other width', () => {
  const widths = fc.oneof(fc.constantFrom(60, 80), fc.integer({ min: 60, max: 200 }));
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 12 }), widths, fc.boolean(), (tables, width, wide) => {
      const lines = statusLines(report(tables), { ...PLAIN, width, wide, paint }).map(
        stripVTControlCharacters,
      );
      expect(lines.filter((line) => line.length > width)).toEqual([]);
    }),
  );
});

test('status for people says with words all that it says with colours', () => {
  const lines = statusLines(EVERYTHING, { ...PLAIN, paint });
  expect(lines.join('\n')).toContain('\u001B[');
  expect(lines.map(stripVTControlCharacters)).toEqual(statusLines(EVERYTHING, PLAIN));
});

test('a text in lines keeps its words, and a name that is shortened keeps both ends', () => {
  fc.assert(
    fc.property(sentence, fc.integer({ min: 10, max: 100 }), (text, width) => {
      const lines = linesOf(text.trim(), width);
      expect(lines.filter((line) => line.length > width)).toEqual([]);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
    }),
  );
  expect(shortened('msdyn_workorderproduct_v2', 15)).toBe('msdyn_w…duct_v2');
  expect(shortened('account', 15)).toBe('account');
});
