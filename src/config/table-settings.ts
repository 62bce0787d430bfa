import { createHash } from 'node:crypto';
import { fetchFilterProblem } from './fetch-filter.ts';
import type { RowFilter } from '../model/table.ts';
import type { ConfigProblem, TableConfig } from './config.ts';
import type { Variables } from './file/file-settings.ts';
import { filesOf } from './downstream/file-wishes.ts';
import { feedOf } from './downstream/feed-settings.ts';
import { historyOf } from './downstream/history-settings.ts';
import { addMissing } from './missing.ts';
import type { Settings } from './settings.ts';

const DEFAULT_SCHEDULE = '*/5 * * * *';
/** A snapshot reads the whole table, so it has a schedule of its own. */
const SNAPSHOT_SCHEDULE = '0 * * * *';

/** The tables to mirror. @param needed whether the command needs at least one. */
export function tablesFrom(settings: Settings, needed: boolean, problems: ConfigProblem[]): TableConfig[] {
  const items = (settings.tables ?? []).map((item, at) => ({
    at,
    table: typeof item === 'string' ? { name: item } : item,
  }));
  const wanted = items.filter(({ table }) => !table.name.startsWith('!'));
  if (wanted.length === 0 && needed) {
    addMissing(problems, 'tables', 'list some, or set MIRRORVERSE_TABLES', 'names no table');
  }
  for (const { at, table } of items) {
    if (table.name.startsWith('!') && Object.keys(table).length > 1) {
      problems.push({
        key: `tables.${at}`,
        message: `leaves ${table.name.slice(1)} out, so it cannot have settings`,
      });
    }
  }
  const seen = new Set<string>();
  return wanted.map(({ at, table }) => {
    if (seen.has(table.name)) {
      problems.push({ key: `tables.${at}`, message: `names table ${table.name} a second time` });
    }
    seen.add(table.name);
    const mode = table.mode ?? 'changes';
    const byDefault = mode === 'snapshot' ? SNAPSHOT_SCHEDULE : (settings.schedule ?? DEFAULT_SCHEDULE);
    const rows = table.rows === undefined ? undefined : rowFilterOf(table.rows);
    if (rows?.kind === 'fetchxml') {
      const key = `tables.${at}.rows`;
      const problem = fetchFilterProblem(rows.filter);
      if (problem !== undefined) problems.push({ key: `${key}.fetchxml`, message: problem });
      if (mode !== 'snapshot') {
        problems.push({
          key,
          message:
            'fetchxml needs mode: snapshot, because change tracking takes no filter; write an expression of SQL',
        });
      }
    }
    return {
      name: table.name,
      schedule: table.schedule ?? byDefault,
      mode,
      columns: {
        include: table.columns?.include ?? ['*'],
        exclude: table.columns?.exclude ?? [],
        hash: table.columns?.hash ?? [],
        ...filesOf(table),
      },
      ...(rows === undefined ? {} : { rows }),
      softDeletes: (table.deletes ?? settings.deletes ?? 'hard') === 'soft',
      indexesLookups: (table.indexes ?? settings.indexes) === 'lookups',
      feed: feedOf(table.feed ?? settings.feed, settings.feed),
      ...historyOf(settings, table.history),
      ...(table.partition === undefined ? {} : { partitions: table.partition }),
    };
  });
}

type RowsSetting = NonNullable<Exclude<NonNullable<Settings['tables']>[number], string>['rows']>;

/** The filter of a table's rows, with a fingerprint of its text. */
export function rowFilterOf(rows: RowsSetting): RowFilter {
  const text = typeof rows === 'string' ? rows : rows.fetchxml;
  const kind = typeof rows === 'string' ? 'sql' : 'fetchxml';
  const fingerprint = createHash('sha256').update(`${kind} ${text}`).digest('hex').slice(0, 16);
  return kind === 'sql' ? { kind, predicate: text, fingerprint } : { kind, filter: text, fingerprint };
}

/** Patterns of tables to leave out: the entries of `tables` that begin with `!`. */
export function leftOutFrom(settings: Settings): string[] {
  return (settings.tables ?? [])
    .map((item) => (typeof item === 'string' ? item : item.name))
    .flatMap((name) => (name.startsWith('!') ? [name.slice(1)] : []));
}

/** Bytes of a key that nobody can guess. */
const SHORTEST_HASH_KEY = 16;

/** The key of the hashed columns. @param needed whether the command reads rows. */
export function hashKeyFrom(
  settings: Settings,
  variables: Variables,
  needed: boolean,
  problems: ConfigProblem[],
): string | undefined {
  const key = variables['MIRRORVERSE_HASH_KEY'];
  const hashes = (settings.tables ?? []).some(
    (item) => typeof item !== 'string' && (item.columns?.hash?.length ?? 0) > 0,
  );
  if (key === undefined) {
    if (hashes && needed) {
      problems.push({
        key: 'MIRRORVERSE_HASH_KEY',
        message: 'is missing; columns.hash needs it (`openssl rand -hex 32` makes one)',
      });
    }
    return undefined;
  }
  if (Buffer.byteLength(key) < SHORTEST_HASH_KEY) {
    problems.push({
      key: 'MIRRORVERSE_HASH_KEY',
      message: `is too short; ${SHORTEST_HASH_KEY} bytes at least`,
    });
  }
  return key;
}
