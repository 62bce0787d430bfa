import { describe, expect, it } from 'vitest';
import { logLines } from '../support/command-line.ts';
import { freshRole } from '../support/database.ts';
import { openBench } from '../support/bench.ts';

const COMPATIBLE = 'compatibility: { synapseLink: dbo, fivetran: dataverse }\n';

describe('the views with labels', () => {
  it('the views with labels are there after a sync, as reports written for other tools expect them', async () => {
    await using bench = await openBench(['account']);
    const { cli, database, emulator } = bench;
    await cli.file('mirrorverse.yaml', COMPATIBLE);
    emulator.store.insert('account', { name: 'Contoso', new_region: 100000001 });
    expect((await cli.run(['sync'])).status).toBe(0);
    const report = `SELECT a.name, o.LocalizedLabel AS label
      FROM dataverse.account a JOIN dbo.GlobalOptionsetMetadata o
        ON o.EntityName = 'account' AND o.OptionSetName = 'new_region' AND o.Option = a.new_region
      WHERE o.LocalizedLabelLanguageCode = 1031`;
    expect(await database.query(report)).toEqual([{ name: 'Contoso', label: 'Süd' }]);
    const quoted = `SELECT "LocalizedLabel" AS label FROM dbo."StateMetadata"
      WHERE "EntityName" = 'account' AND "State" = 1 AND "LocalizedLabelLanguageCode" = 1033`;
    expect(await database.query(quoted)).toEqual([{ label: 'Inactive' }]);
    const fivetran = `SELECT value FROM dataverse.STRINGMAP
      WHERE objecttypecode = 'account' AND attributename = 'new_region' AND attributevalue = 100000001`;
    expect(await database.query(fivetran)).toEqual([{ value: 'South' }]);
  });

  it('no view is made and no label is asked for where labels are off', async () => {
    await using bench = await openBench(['account']);
    await bench.cli.file('mirrorverse.yaml', 'labels: false\n');
    expect((await bench.cli.run(['sync'])).status).toBe(0);
    expect(await bench.database.query(`SELECT to_regclass('dataverse._choices') AS labels`)).toEqual([
      { labels: null },
    ]);
    expect(
      await bench.database.query(
        `SELECT FROM pg_class WHERE relnamespace = to_regnamespace('dataverse_labeled')`,
      ),
    ).toEqual([]);
  });

  it('views that the role may not make are a warning, and the rows are mirrored all the same', async () => {
    // It makes the schemas, for a role of its own.
    await using bench = await openBench(['account'], {}, 'administrator');
    const { cli, database, emulator } = bench;
    await using role = await freshRole(database);
    await database.query(`CREATE SCHEMA dataverse AUTHORIZATION ${role.name}`);
    await database.query(`CREATE SCHEMA mirrorverse AUTHORIZATION ${role.name}`);
    emulator.store.seed('account', 10);
    const { status, stderr } = await cli.run(['sync'], { DATABASE_URL: role.url });
    expect(status).toBe(0);
    expect(
      logLines(stderr)
        .filter(({ level }) => level === 'warn')
        .map(({ msg }) => msg),
    ).toEqual(['The views with labels could not be made.']);
    expect(await database.query('SELECT FROM dataverse.account')).toHaveLength(10);
  });
});
