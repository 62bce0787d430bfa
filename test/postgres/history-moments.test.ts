import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { id, page, row, THING, tombstone } from '../support/hand-made.ts';
import { mirrorRows, rowsAsOf } from '../support/history.ts';
import { testMirror, WritingTable, type TestMirror } from '../support/mirror.ts';

const key = fc.integer({ min: 1, max: 4 });
const value = fc.constantFrom('null', '"a"', '"b"');

/** What one entry of a page does to a row. */
const entry = fc.oneof(
  { weight: 3, arbitrary: fc.record({ key, value }) },
  fc.record({ key, value: fc.constant(null) }),
);
/** A statement by hand. */
const statement = fc.oneof(
  fc
    .tuple(key, value)
    .map(([of, to]) => `UPDATE dataverse.thing SET name = ${text(to)} WHERE thingid = '${id(of)}'`),
  key.map((of) => `DELETE FROM dataverse.thing WHERE thingid = '${id(of)}'`),
  fc
    .tuple(key, value)
    .map(
      ([of, to]) =>
        `INSERT INTO dataverse.thing (thingid, name) VALUES ('${id(of)}', ${text(to)}) ON CONFLICT (thingid) DO UPDATE SET name = excluded.name, count = 1`,
    ),
  fc
    .tuple(key, key)
    .map(
      ([from, to]) =>
        `UPDATE dataverse.thing SET thingid = '${id(to)}' WHERE thingid = '${id(from)}' AND NOT EXISTS (SELECT FROM dataverse.thing WHERE thingid = '${id(to)}')`,
    ),
);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('page' as const), entries: fc.array(entry, { maxLength: 4 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('hand' as const),
      statements: fc.array(statement, { minLength: 1, maxLength: 4 }),
    }),
  },
  fc.record({ do: fc.constant('re-baseline' as const), keys: fc.uniqueArray(key) }),
  fc.record({ do: fc.constant('prepare' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function text(literal: string): string {
  return literal.replaceAll('"', "'");
}

/** A table of its own for each run, in one database. */
class ChangingThing {
  private version = 0;
  private readonly test: TestMirror;
  private readonly softDeletes: boolean;

  constructor(test: TestMirror, softDeletes: boolean) {
    this.test = test;
    this.softDeletes = softDeletes;
  }

  private async open(phase: 'baseline' | 'rebaseline' | 'stored'): Promise<WritingTable> {
    await this.test.database.query('UPDATE mirrorverse.tables SET lease_holder = NULL');
    return WritingTable.open(this.test.mirror, THING, {
      history: true,
      softDeletes: this.softDeletes,
      phase,
    });
  }

  async load(): Promise<void> {
    await this.test.database.query(
      'DROP TABLE IF EXISTS dataverse.thing; DROP TABLE IF EXISTS dataverse_history.thing CASCADE',
    );
    const table = await this.open('baseline');
    await table.write(page([this.row(1, '"a"'), this.row(2, '"b"')], 'delta'), true);
    await table.writer.close();
  }

  async perform(what: Step): Promise<void> {
    if (what.do === 'hand') {
      await this.test.database.query(`BEGIN; ${what.statements.join('; ')}; COMMIT`);
      return;
    }
    const table = await this.open(what.do === 're-baseline' ? 'rebaseline' : 'stored');
    if (what.do === 'page') {
      const last = new Map(what.entries.map((each) => [each.key, each.value]));
      const entries = [...last].map(([of, to]) => (to === null ? tombstone(of) : this.row(of, to)));
      await table.write(page(entries, 'delta'), true);
    } else if (what.do === 're-baseline') {
      await table.write(
        page(
          what.keys.map((of) => this.row(of, '"r"')),
          'delta',
        ),
      );
      await table.write(page([], 'delta'), true);
    }
    await table.writer.close();
  }

  private row(of: number, name: string): string {
    return row(of, ++this.version, { name });
  }
}

it('a history gives for each moment the rows that the mirror table had then, whatever pages and people write', async () => {
  await using test = await testMirror();
  const { database } = test;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      async (steps, softDeletes) => {
        const thing = new ChangingThing(test, softDeletes);
        await thing.load();
        const remembered: { at: string; rows: string[] }[] = [];
        const remember = async (): Promise<void> => {
          const rows = await mirrorRows(database, 'thing');
          const [moment] = await database.query<{ at: string }>('SELECT clock_timestamp()::text AS at');
          remembered.push({ at: `'${moment?.at}'`, rows });
        };
        await remember();
        for (const what of steps) {
          await thing.perform(what);
          await remember();
        }
        for (const { at, rows } of remembered) expect(await rowsAsOf(database, 'thing', at)).toEqual(rows);
        const wrong = await database.query(
          `SELECT thingid FROM dataverse_history.thing GROUP BY thingid
         HAVING count(*) FILTER (WHERE _valid_to IS NULL) <> 1 OR bool_or(_valid_to < _valid_from)
             OR sum(coalesce(_valid_to, 'epoch') - _valid_from) <> 'epoch' - min(_valid_from)`,
        );
        expect(wrong).toEqual([]);
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 5) },
  );
});
