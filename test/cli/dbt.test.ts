import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { openBench, type Bench } from '../support/bench.ts';
import { queryOnce } from '../support/cluster-support.ts';
import { freshRole } from '../support/database.ts';
import { logLines, type Ended } from '../support/command-line.ts';
import { blocksOf } from '../support/page-blocks.ts';

interface Test {
  readonly unique?: { readonly column_name?: string; readonly config?: { readonly where?: string } };
  readonly not_null?: { readonly config?: { readonly where?: string } };
  readonly relationships?: { readonly arguments: { readonly to: string; readonly field: string } };
}
interface Column {
  readonly name: string;
  readonly description?: string;
  readonly data_type?: string;
  readonly quote?: boolean;
  readonly data_tests?: readonly (string | Test)[];
}
interface DbtTable {
  readonly name: string;
  readonly description?: string;
  readonly config?: { readonly loaded_at_field: string; readonly freshness: object };
  readonly data_tests?: readonly Test[];
  readonly columns: readonly Column[];
}
interface Sources {
  readonly version: number;
  readonly sources: readonly {
    readonly name: string;
    readonly database: string;
    readonly schema: string;
    readonly tables: readonly DbtTable[];
  }[];
}

/** A schema by dbt Labs for such files. */
function schemaErrors(version: 1 | 2, document: unknown): unknown {
  const path = join(import.meta.dirname, '..', 'fixtures', 'dbt', `sources-${version}.json`);
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(
    JSON.parse(readFileSync(path, 'utf8')) as object,
  );
  return validate(document) ? [] : validate.errors;
}

const ID = '5b1f9a2e-0c1d-4e3f-8a4b-1c2d3e4f5a6b';

const CONFIG = `
tables:
  - name: account
    schedule: '*/5 * * * *'
    deletes: soft
  - name: contact
    schedule: '0 6 * * *'
  - new_telemetry
  - new_awaited
`;

describe('dbt', () => {
  let bench: Bench;
  let written: Ended;
  let document: Sources;
  beforeAll(async () => {
    bench = await openBench([]);
    const { store } = bench.emulator;
    store.addTable(telemetry);
    for (const partitionid of ['a', '', null]) store.insert('new_telemetry', { partitionid }, ID);
    store.seed('account', 3);
    await bench.cli.file('mirrorverse.yaml', CONFIG);
    await bench.cli.run(['sync', 'account', 'contact', 'new_telemetry']);
    await bench.database.query(
      `COMMENT ON COLUMN dataverse.account.name IS 'Name: as {{ braces }} and {% percent %} {# note #} say'`,
    );
    written = await bench.cli.run(['dbt', '--out', 'models/dataverse']);
    const path = join(bench.cli.directory, 'models', 'dataverse', 'sources.yml');
    document = parse(await readFile(path, 'utf8')) as Sources;
  }, 60_000);
  afterAll(async () => bench[Symbol.asyncDispose]());

  const table = (name: string): DbtTable => {
    const found = document.sources[0]?.tables.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no table ${name}`);
    return found;
  };
  const column = (of: string, name: string): Column | undefined =>
    table(of).columns.find((each) => each.name === name);

  it('dbt says where the file is, and names tables without a mirror table', () => {
    const { status, stdout, stderr } = written;
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'models/dataverse/sources.yml has 3 tables.\n' });
    expect(logLines(stderr)[0]).toMatchObject({ level: 'warn', tables: ['new_awaited'] });
  });

  it('the file is valid by the schemas of dbt 1 and dbt 2', () => {
    expect(schemaErrors(2, document)).toEqual([]);
    expect(schemaErrors(1, document)).toEqual([]);
    expect(schemaErrors(2, { sources: [{ name: 'a', freshness: {} }] })).not.toEqual([]);
  });

  it('the source names database, schema, and each configured table that is mirrored', async () => {
    const rows = await bench.database.query<{ name: string }>('SELECT current_database() AS name');
    expect(document.sources[0]).toMatchObject({
      name: 'dataverse',
      database: rows[0]?.name,
      schema: 'dataverse',
    });
    expect(document.sources[0]?.tables.map(({ name }) => name)).toEqual([
      'account',
      'contact',
      'new_telemetry',
      '_freshness',
    ]);
  });

  it('freshness follows the schedule of each table', () => {
    expect(table('account').config).toEqual({
      loaded_at_field: '_mirrored_at',
      freshness: { warn_after: { count: 15, period: 'minute' }, error_after: { count: 1, period: 'day' } },
    });
    expect(table('contact').config?.freshness).toEqual({
      warn_after: { count: 3, period: 'day' },
      error_after: { count: 12, period: 'day' },
    });
  });

  it('descriptions are those of the environment, and braces stay braces in Jinja', () => {
    expect(table('account').description).toContain('Account');
    expect(column('account', 'ownerid')?.description).toContain('Owner');
    expect(column('account', '_mirrored_at')?.description).toContain('last wrote');
    const text = column('account', 'name')?.description ?? '';
    // What Jinja makes of an expression that is a constant text.
    const rendered = text.replaceAll("{{ '{' }}", '\0');
    expect(rendered).not.toMatch(/\{[{%#]/);
    expect(rendered.replaceAll('\0', '{')).toBe('Name: as {{ braces }} and {% percent %} {# note #} say');
  });

  it('the key is unique and not null, and marked rows are left out of the tests', () => {
    expect(column('contact', 'contactid')?.data_tests).toEqual(['unique', 'not_null']);
    const where = { config: { where: '_deleted_at is null' } };
    expect(column('account', 'accountid')?.data_tests).toEqual([{ unique: where }, { not_null: where }]);
  });

  it('a lookup with one target that is mirrored is tested with a warning, others are not tested', () => {
    expect(column('account', 'primarycontactid')?.data_tests).toEqual([
      {
        relationships: {
          arguments: { to: "source('dataverse', 'contact')", field: 'contactid' },
          config: { severity: 'warn', where: '_deleted_at is null' },
        },
      },
    ]);
    const tested = table('account').columns.filter(({ data_tests: tests }) => tests !== undefined);
    expect(tested.map(({ name }) => name)).not.toContain('ownerid');
  });

  it('the key of an elastic table is unique together with its partition', async () => {
    expect(column('new_telemetry', 'new_telemetryid')?.data_tests).toEqual(['not_null']);
    const pair = table('new_telemetry').data_tests?.[0]?.unique?.column_name ?? '';
    const rows = await bench.database.query<{ pairs: string; rows: string }>(
      `SELECT count(DISTINCT ${pair}) AS pairs, count(*) AS rows FROM dataverse.new_telemetry WHERE ${pair} IS NOT NULL`,
    );
    expect(rows).toEqual([{ pairs: '3', rows: '3' }]);
  });

  it('docs/dbt.md has SQL that runs: the mirror is up to date', async () => {
    const blocks = blocksOf('dbt.md', 'sql').map((sql) =>
      sql.replaceAll(/\{\{ source\('(\w+)', '(\w+)'\) \}\}/g, '"$1"."$2"'),
    );
    const answers: unknown[][] = [];
    for (const sql of blocks) answers.push(await bench.database.query(sql));
    expect(answers.map((rows) => rows.length)).toEqual([3, 0]);
  });

  it('docs/reports.md has SQL that runs, and a reader sees the report', async () => {
    const { database } = bench;
    await using reader = await freshRole(database);
    await database.query(`GRANT CONNECT ON DATABASE ${document.sources[0]?.database} TO ${reader.name}`);
    for (const sql of blocksOf('reports.md', 'sql')) {
      const names = sql.replaceAll(/\breader\b/g, reader.name).replaceAll(/\bmirror\b/g, 'CURRENT_USER');
      await database.query(names);
    }
    const seen = `SELECT accountid FROM reports.account WHERE NOT is_deleted AND created_utc < now() AT TIME ZONE 'UTC'`;
    expect(await queryOnce(reader.url, seen)).toHaveLength(3);
    expect(await queryOnce(reader.url, 'SELECT FROM dataverse_labeled.contact')).toEqual([]);
  });

  it('dbt writes to standard output without --out, and asks nothing of the environment', async () => {
    const before = bench.emulator.requests.find({}).length;
    const { status, stdout } = await bench.cli.run(['dbt']);
    expect({ status, document: parse(stdout) as Sources }).toEqual({ status: 0, document });
    expect(bench.emulator.requests.find({})).toHaveLength(before);
  });

  it('dbt overwrites its own file, and no file of somebody else', async () => {
    const { cli } = bench;
    expect((await cli.run(['dbt', '--out', 'models/dataverse'])).status).toBe(0);
    await cli.file('sources.yml', 'sources: []\n');
    const { status, stderr } = await cli.run(['dbt', '--out', '.']);
    expect(status).toBe(2);
    expect(stderr).toContain('sources.yml is not');
    expect(await readFile(join(cli.directory, 'sources.yml'), 'utf8')).toBe('sources: []\n');
  });

  it('dbt says what to run if no table is mirrored yet', async () => {
    const { status, stderr } = await bench.cli.run(['dbt'], { MIRRORVERSE_TABLES: 'lead' });
    expect(status).toBe(1);
    expect(stderr).toContain('mirrorverse sync');
  });
});
