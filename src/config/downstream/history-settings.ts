import type { ConfigProblem, TableConfig } from '../config.ts';
import { milliseconds } from '../duration.ts';
import type { Settings } from '../settings.ts';

type HistorySetting = Settings['history'];

/** How the history of a table is kept. @param history of the table; undefined: as for all tables. */
export function historyOf(
  { history: general }: Settings,
  history: HistorySetting,
): Pick<TableConfig, 'history'> {
  const chosen = history ?? general ?? false;
  if (chosen === false) return {};
  const keep = keepOf(chosen) ?? keepOf(general);
  return { history: keep === undefined ? {} : { keep: milliseconds(keep) } };
}

/** Finds times after which nothing would be left, and a schema of another use that the histories need. */
export function checkHistory(
  settings: Settings,
  schemas: { readonly history: string; readonly others: readonly (string | undefined)[] },
  problems: ConfigProblem[],
): void {
  const ofTables = (settings.tables ?? []).map((item, at) => ({
    key: `tables.${at}.history`,
    history: typeof item === 'string' ? undefined : item.history,
  }));
  const given = [{ key: 'history', history: settings.history }, ...ofTables];
  for (const { key, history } of given) {
    const keep = keepOf(history);
    if (keep !== undefined && milliseconds(keep) === 0) {
      problems.push({ key: `${key}.keep`, message: 'must be longer than nothing' });
    }
    if (history !== undefined && history !== false && schemas.others.includes(schemas.history)) {
      problems.push({ key, message: `needs the schema ${schemas.history}, which has another use` });
    }
  }
}

function keepOf(history: HistorySetting): string | undefined {
  return typeof history === 'object' ? history.keep : undefined;
}
