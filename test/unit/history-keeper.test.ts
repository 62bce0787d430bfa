import { expect, it } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import { keepHistories } from '../../src/sync/watch/history-keeper.ts';
import { ALL_COLUMNS } from '../../src/sync/tables/table-selection.ts';
import { APPLY_ALL } from '../../src/mirror/table/drift.ts';
import { silent } from '../support/mirror.ts';

it('old records go from the histories that are kept for a time, and a table that fails keeps none from it', async () => {
  const stop = new AbortController();
  const asked: [string, number][] = [];
  const common = {
    mode: 'changes',
    columns: ALL_COLUMNS,
    softDeletes: false,
    drift: APPLY_ALL,
    pageSize: 1,
  } as const;
  const settings = [
    { name: 'plain', ...common },
    { name: 'for ever', ...common, history: {} },
    { name: 'broken', ...common, history: { keep: 1 } },
    { name: 'kept', ...common, history: { keep: 2 } },
  ];
  const expireHistory = async (table: string, keep: number): Promise<number> => {
    asked.push([table, keep]);
    if (asked.length === 4) stop.abort();
    if (table === 'broken') throw new Failure({ code: 'database-unreachable', message: 'away' });
    return 0;
  };
  await keepHistories({ expireHistory }, { settings: () => settings }, silent, stop.signal, 1);
  expect(asked).toEqual([
    ['broken', 1],
    ['kept', 2],
    ['broken', 1],
    ['kept', 2],
  ]);
});
