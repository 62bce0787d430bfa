import { describe, expect, it } from 'vitest';
import type { DataverseStore } from '../../src/emulator/store/dataverse-store.ts';
import { addCars, CAR, carValues, defineColumn } from '../support/changing-table.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const OPTIONS = { pageSize: 10 };

const EDITS: readonly (readonly [what: string, edit: (store: DataverseStore) => void])[] = [
  ['added', (store) => defineColumn(store, 'new_c', 0)],
  ['removed', (store) => store.removeColumn(CAR, 'new_b')],
  ['widened', (store) => defineColumn(store, 'new_a', 1)],
  ['changed into another type', (store) => defineColumn(store, 'new_b', 1)],
  [
    'removed and made again',
    (store) => {
      store.removeColumn(CAR, 'new_b');
      defineColumn(store, 'new_b', 0);
    },
  ],
];

describe.each([
  ['refused', 'error'],
  ['answered without it', 'left-out'],
] as const)(
  'a column that changes while pages are read, where a link that names a removed column is %s',
  (_, removedColumns) => {
    for (const [what, edit] of EDITS) {
      for (const during of ['baseline', 'delta'] as const) {
        it(`a column ${what} between two pages of a ${during} is as the source has it`, async () => {
          await using bench = await SyncBench.open();
          const { store, settings } = bench.emulator;
          settings.removedColumns = removedColumns;
          const ids = addCars(store);
          if (during === 'delta') {
            await bench.sync([CAR], OPTIONS);
            for (const id of ids) store.update(CAR, id, carValues(store, 7));
          }
          let edited = false;
          settings.onPage = ({ kind, pageNumber, table }) => {
            if (edited || table !== CAR || kind !== during || pageNumber !== 2) return;
            edited = true;
            edit(store);
            for (const [at, id] of ids.entries()) {
              if (at % 10 === 0) store.update(CAR, id, carValues(store, 100 + at));
            }
          };
          expect(failures(await bench.sync([CAR], OPTIONS))).toEqual({});
          expect(edited).toBe(true);
          // Another process looks at the metadata as it starts; the one before may have heard too late.
          expect(failures(await bench.sync([CAR], OPTIONS))).toEqual({});
          expect(await differences(store, bench.database, CAR)).toEqual([]);
        });
      }
    }
  },
);
