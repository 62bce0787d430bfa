import { parseArgs } from 'node:util';

/** The parts of the benchmark that run, and their sizes. */
export interface Options {
  /** Names of measurements; all of them where it is empty. */
  readonly only: readonly string[];
  /** A measurement of `full` rows has so many. */
  readonly rows: (full: number) => number;
  /** Widths to measure in place of those given; what is measured at one width takes the first. */
  readonly columns: (full: readonly number[]) => readonly number[];
  readonly rounds: (full: number) => number;
  /** All of it, in full: what is measured goes into the document. */
  readonly whole: boolean;
}

const USAGE = `npm run bench [-- --only NAME,NAME] [--rows N] [--columns N,N] [--rounds N] [--quick]`;

/** @throws TypeError for an unknown option, with the usage. */
export function readOptions(args: readonly string[], names: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rows: { type: 'string' },
      columns: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const only = values.only?.split(',') ?? [];
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new TypeError(`There is no ${unknown.join(', ')}, only ${names.join(', ')}. ${USAGE}`);
  }
  const rows = values.rows === undefined ? undefined : whole(values.rows);
  const columns = values.columns?.split(',').map(whole);
  const rounds = values.rounds === undefined ? undefined : whole(values.rounds);
  const { quick } = values;
  return {
    only,
    rows: (full) => rows ?? (quick ? Math.ceil(full / 10) : full),
    columns: (full) => columns ?? full,
    rounds: (full) => rounds ?? (quick ? 1 : full),
    whole: only.length === 0 && rows === undefined && columns === undefined && !quick,
  };
}

function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new TypeError(`${text} is no number of something. ${USAGE}`);
  return Number(text);
}
