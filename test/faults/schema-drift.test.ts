import { describe, expect, it } from 'vitest';
import type { DataverseStore } from '../../src/emulator/dataverse-store.ts';
import { decimal, double, integer, text } from '../../src/emulator/model/column-kinds.ts';
import { columnNamed } from '../../src/emulator/table-definition.ts';
import { differences } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLE = 'new_car';
const OPTIONS = { pageSize: 10 };

/** Columns that come, go and change, each in two types. */
const KINDS = {
  new_a: [integer('new_A', ['A', 'A']), decimal('new_A', ['A', 'A'], 4)],
  new_b: [text('new_B', ['B', 'B'], 50), integer('new_B', ['B', 'B'])],
  new_c: [double('new_C', ['C', 'C']), text('new_C', ['C', 'C'], 50)],
} as const;

type Name = keyof typeof KINDS;
const NAMES = Object.keys(KINDS) as Name[];

function has(store: DataverseStore, name: Name): boolean {
  return columnNamed(store.data(TABLE).definition, name) !== undefined;
}

/** A column of a kind: added where it is not, changed where it is. */
function define(store: DataverseStore, name: Name, kind: 0 | 1): void {
  const column = KINDS[name][kind];
  if (!has(store, name)) store.addColumn(TABLE, column);
  else store.retypeColumn(TABLE, name, column);
}

function valueOf(store: DataverseStore, name: Name, number: number): string | number {
  const kind = columnNamed(store.data(TABLE).definition, name)?.kind;
  return kind === 'String' ? `text ${number}` : number;
}

function values(store: DataverseStore, number: number): Record<string, string | number> {
  const present = NAMES.filter((name) => has(store, name));
  return {
    new_name: `name ${number}`,
    ...Object.fromEntries(present.map((name) => [name, valueOf(store, name, number)])),
  };
}

/** A table of 50 rows with two of the columns. */
function furnish(store: DataverseStore): string[] {
  store.addTable(smallTable('new_Car'));
  define(store, 'new_a', 0);
  define(store, 'new_b', 0);
  return Array.from({ length: 50 }, (_, at) => store.insert(TABLE, values(store, at)));
}

const EDITS: readonly (readonly [what: string, edit: (store: DataverseStore) => void])[] = [
  ['added', (store) => define(store, 'new_c', 0)],
  ['removed', (store) => store.removeColumn(TABLE, 'new_b')],
  ['widened', (store) => define(store, 'new_a', 1)],
  ['changed into another type', (store) => define(store, 'new_b', 1)],
];

describe('a column', () => {
  for (const [what, edit] of EDITS) {
    for (const during of ['baseline', 'delta'] as const) {
      it(`${what} between two pages of a ${during} is as the source has it`, async () => {
        await using bench = await SyncBench.open();
        const { store, settings } = bench.emulator;
        const ids = furnish(store);
        if (during === 'delta') {
          await bench.sync([TABLE], OPTIONS);
          for (const id of ids) store.update(TABLE, id, values(store, 7));
        }
        let edited = false;
        settings.onPage = ({ kind, pageNumber, table }) => {
          if (edited || table !== TABLE || kind !== during || pageNumber !== 2) return;
          edited = true;
          edit(store);
          for (const [at, id] of ids.entries()) {
            if (at % 10 === 0) store.update(TABLE, id, values(store, 100 + at));
          }
        };
        expect(failures(await bench.sync([TABLE], OPTIONS))).toEqual({});
        expect(edited).toBe(true);
        // Another process looks at the metadata as it starts; the one before may have heard too late.
        expect(failures(await bench.sync([TABLE], OPTIONS))).toEqual({});
        expect(await differences(store, bench.database, TABLE)).toEqual([]);
      });
    }
  }
});
