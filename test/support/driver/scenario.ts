import * as fc from 'fast-check';
import { nudgedTimes, type NudgedTime } from './nudged-time.ts';
import type { FeedWish } from '../../../src/mirror/feed/log-triggers.ts';

/**
 * What happens in one run of the random driver, as plain data: it can be printed, shrunk and kept.
 * Numbers that point at something (a table, a row, a column) are taken modulo what there is, so that
 * any part of a scenario is a scenario too.
 */
export interface Scenario {
  readonly readings: Readings;
  /** Rows of each table at the beginning. */
  readonly rows: readonly number[];
  /** Of two processes; the page size of each. */
  readonly pageSizes: readonly [number, number];
  readonly softDeletes: boolean;
  readonly steps: readonly Step[];
  /** Whether the processes there are, or a new one, make the mirror right at the end. */
  readonly end: 'new-process' | 'old-process';
  /** The tables have a history. */
  readonly history?: boolean;
  /** What the change log has, as the configuration says; absent, there is none. */
  readonly feed?: FeedWish;
  /** Numbers of steps before which the configuration turns the change log off, and on again. */
  readonly feedSwitches?: readonly number[];
  /** Filters of rows that the configuration gives tables before a step: by their place among those of the driver. */
  readonly filters?: readonly FilterSwitch[];
  /** The processes share the limits of one identity, which are small. */
  readonly sharesBudget?: boolean;
  /** Times in which the tables of a process run by nudges alone. */
  readonly nudges?: readonly NudgedTime[];
  /** Partitions of the mirror tables, below 2 for none; absent, there are none. */
  readonly partitions?: number;
  /** Numbers of steps before which the configuration asks for other partitions. */
  readonly partitionSwitches?: readonly { readonly step: number; readonly partitions: number }[];
}

export interface FilterSwitch {
  readonly table: number;
  readonly filter: number;
  /** The number of the step. */
  readonly before: number;
}

/** What the documents leave open, one answer each. */
export interface Readings {
  readonly tokenFrom: 'first-page' | 'last-page';
  readonly pagesSee: 'frozen' | 'live';
  readonly restoredRows: 'with-tombstone' | 'without-tombstone';
  readonly nullsInDelta: 'explicit' | 'omitted';
  readonly deltaLinkPosition: 'before-value' | 'after-value';
  readonly expiredTokenStatus: 400 | 410;
  readonly removedColumns: 'error' | 'left-out';
  readonly expireOnMetadataChange: boolean;
}

/** What users of the organization do. */
export type SourceChange =
  | { readonly do: 'insert'; readonly table: number; readonly count: number }
  | { readonly do: 'update'; readonly table: number; readonly row: number; readonly count: number }
  | { readonly do: 'delete'; readonly table: number; readonly row: number; readonly count: number }
  | { readonly do: 'restore'; readonly table: number; readonly row: number }
  | { readonly do: 'delete-and-restore'; readonly table: number; readonly row: number }
  | { readonly do: 'insert-again'; readonly table: number; readonly row: number }
  | { readonly do: 'empty'; readonly table: number }
  | { readonly do: 'poison'; readonly table: number; readonly row: number }
  | { readonly do: 'mend'; readonly table: number }
  | { readonly do: 'add-column'; readonly table: number; readonly kind: number }
  | { readonly do: 'remove-column'; readonly table: number; readonly column: number }
  | {
      readonly do: 'retype-column';
      readonly table: number;
      readonly column: number;
      readonly kind: number;
    }
  | { readonly do: 'expire-links' };

/** Somebody changes the mirror table itself. */
export interface Planted {
  readonly do: 'plant';
  readonly table: number;
  readonly row: number;
  readonly what: (typeof PLANTS)[number];
}

const PLANTS = [
  'missing',
  'marked',
  'extra',
  'extra-from-the-future',
  'stale',
  'version-from-the-future',
  'no-version',
  'value',
  'empty',
  'digit',
] as const;

/** What goes wrong with requests that are yet to come. */
export interface Trouble {
  readonly do: 'trouble';
  readonly what:
    | { readonly kind: 'throttled'; readonly retryAfter: number | null }
    | { readonly kind: 'status'; readonly status: 401 | 403 | 500 | 502 | 503 | 504 }
    | { readonly kind: 'sql-timeout' }
    | { readonly kind: 'html'; readonly status: 200 | 503 }
    | { readonly kind: 'reset' }
    | { readonly kind: 'cut'; readonly at: number };
  readonly requests: 'any' | 'data' | 'metadata';
  readonly after: number;
  readonly times: number;
}

/** Something that happens while a pass reads its n-th page. */
export interface Interruption {
  readonly page: number;
  readonly what:
    | { readonly kind: 'changes'; readonly changes: readonly SourceChange[] }
    /** SIGTERM. */
    | { readonly kind: 'stop' }
    /** SIGKILL, so many milliseconds later. */
    | { readonly kind: 'kill'; readonly milliseconds: number }
    /** The process stands still, its lease runs out, the other makes a pass, and it goes on. */
    | { readonly kind: 'stand-still'; readonly changes: readonly SourceChange[] }
    /** The other process begins a pass. */
    | { readonly kind: 'company' }
    /** Its sessions are ended by the server. */
    | { readonly kind: 'lose-sessions' }
    /** A person drops what a verification keeps between its pages. */
    | { readonly kind: 'drop-scratch' }
    /** The other process verifies the same table, or goes on where this one is. */
    | { readonly kind: 'verify-too' };
}

export interface Verified {
  readonly do: 'verify';
  readonly process: number;
  readonly table: number;
  readonly values: boolean;
  readonly repair: boolean;
  readonly interruptions: readonly Interruption[];
}

export type Step =
  | SourceChange
  | Trouble
  | {
      readonly do: 'pass';
      readonly process: number;
      readonly restart: boolean;
      readonly interruptions: readonly Interruption[];
    }
  | Planted
  | Verified
  | { readonly do: 'start-anew'; readonly process: number; readonly pageSize: number }
  /** Both processes start anew, with another configuration. */
  | { readonly do: 'switch-deletes' };

const TABLES = 3;
const small = fc.nat({ max: 40 });
const table = fc.nat({ max: TABLES - 1 });

const rowChange: fc.Arbitrary<SourceChange & { readonly table: number }> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('insert' as const), table, count: count(9) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('update' as const), table, row: small, count: count(6) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('delete' as const), table, row: small, count: count(4) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restore' as const), table, row: small }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete-and-restore' as const), table, row: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('insert-again' as const), table, row: small }) },
);

const sourceChange: fc.Arbitrary<SourceChange> = fc.oneof(
  { weight: 16, arbitrary: rowChange },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('poison' as const), table, row: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mend' as const), table }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('empty' as const), table }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire-links' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('add-column' as const), table, kind: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove-column' as const), table, column: small }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('retype-column' as const),
      table,
      column: small,
      kind: small,
    }),
  },
);

const trouble: fc.Arbitrary<Trouble> = fc.record({
  do: fc.constant('trouble' as const),
  what: fc.oneof(
    fc.record({
      kind: fc.constant('throttled' as const),
      retryAfter: fc.constantFrom(null, 0, 1, 5),
    }),
    fc.record({
      kind: fc.constant('status' as const),
      status: fc.constantFrom(401, 403, 500, 502, 503, 504),
    }),
    fc.record({ kind: fc.constant('sql-timeout' as const) }),
    fc.record({ kind: fc.constant('html' as const), status: fc.constantFrom(200, 503) }),
    fc.record({ kind: fc.constant('reset' as const) }),
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat({ max: 600 }) }),
  ),
  requests: fc.constantFrom('any', 'data', 'data', 'metadata'),
  after: fc.nat({ max: 4 }),
  times: count(3),
});

const interruptions: readonly fc.WeightedArbitrary<Interruption['what']>[] = [
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('changes' as const),
      changes: fc.array(sourceChange, { minLength: 1, maxLength: 3, size: 'max' }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stop' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('kill' as const), milliseconds: fc.nat({ max: 12 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('stand-still' as const),
      changes: fc.array(rowChange, { maxLength: 3, size: 'max' }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('company' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose-sessions' as const) }) },
];

const interruption: fc.Arbitrary<Interruption> = fc.record({
  page: fc.nat({ max: 7 }),
  what: fc.oneof(...interruptions),
});

/** Of a verification. */
const disturbance: fc.Arbitrary<Interruption> = fc.record({
  page: fc.nat({ max: 7 }),
  what: fc.oneof(
    ...interruptions,
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop-scratch' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('verify-too' as const) }) },
  ),
});

const process = fc.nat({ max: 1 });

const pageSize = fc.integer({ min: 2, max: 7 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: sourceChange },
  { weight: 3, arbitrary: trouble },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      process,
      restart: fc.nat({ max: 9 }).map((lot) => lot === 9),
      interruptions: fc.array(interruption, { maxLength: 2, size: 'max' }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('plant' as const),
      table,
      row: small,
      what: fc.constantFrom(...PLANTS),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('verify' as const),
      process,
      table,
      values: fc.nat({ max: 2 }).map((lot) => lot > 0),
      repair: fc.boolean(),
      interruptions: fc.array(disturbance, { maxLength: 2, size: 'max' }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('start-anew' as const), process, pageSize }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('switch-deletes' as const) }) },
);

const readings: fc.Arbitrary<Readings> = fc.record({
  tokenFrom: fc.constantFrom('first-page', 'last-page'),
  pagesSee: fc.constantFrom('frozen', 'live'),
  restoredRows: fc.constantFrom('with-tombstone', 'without-tombstone'),
  nullsInDelta: fc.constantFrom('explicit', 'omitted'),
  deltaLinkPosition: fc.constantFrom('before-value', 'after-value'),
  expiredTokenStatus: fc.constantFrom(400, 410),
  removedColumns: fc.constantFrom('error', 'left-out'),
  expireOnMetadataChange: fc.boolean(),
});

/** None, in about half of the scenarios. */
const partitionCount = fc.nat({ max: 7 }).map((lot) => Math.max(0, lot - 3));

/** Scenarios of one to three tables and some twenty steps. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  readings,
  rows: fc.array(fc.nat({ max: 24 }), { minLength: 1, maxLength: TABLES, size: 'max' }),
  pageSizes: fc.tuple(pageSize, pageSize),
  softDeletes: fc.boolean(),
  steps: fc.array(step, { minLength: 4, maxLength: 26, size: 'max' }),
  end: fc.constantFrom('new-process', 'old-process'),
  // What came later stands last, so that it changes nothing of what the seeds give for the others.
  history: fc.nat({ max: 2 }).map((lot) => lot === 2),
  feed: fc.constantFrom('off', 'marker', 'marker', 'rows'),
  feedSwitches: fc.array(fc.nat({ max: 25 }), { maxLength: 2, size: 'max' }),
  filters: fc.array(
    fc.record({
      table,
      filter: fc.nat({ max: 3 }),
      before: fc.oneof(fc.constant(0), fc.nat({ max: 25 })),
    }),
    { maxLength: 3, size: 'max' },
  ),
  sharesBudget: fc.nat({ max: 3 }).map((lot) => lot === 3),
  nudges: nudgedTimes(TABLES, rowChange),
  partitions: partitionCount,
  partitionSwitches: fc.array(fc.record({ step: fc.nat({ max: 25 }), partitions: partitionCount }), {
    maxLength: 2,
    size: 'max',
  }),
});

function count(max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max });
}
