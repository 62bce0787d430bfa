import { describe, expect, it } from 'vitest';
import type { ViewReport } from '../../src/mirror/views/apply-views.ts';
import { createCompatibilityViews } from '../../src/mirror/views/compatibility-views.ts';
import { writeLabels } from '../../src/mirror/labels/write-labels.ts';
import { transaction } from '../../src/mirror/connection/postgres.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { choice, columnLabels, tableLabels } from '../support/hand-made-labels.ts';
import { ORGANIZATION } from '../support/mirror.ts';

const ACCOUNT = tableLabels('account', {
  columns: [{ ...columnLabels('revenue', 'MoneyType'), precision: 2, columnNumber: 7, metadataId: 'an-id' }],
  choices: [
    choice('industrycode', 'picklist', { 1: { 1033: 'Accounting', 1031: 'Buchhaltung' } }),
    choice('new_region', 'picklist', { 5: { 1033: 'North' } }, { isGlobal: true, optionSet: 'region' }),
    choice('donotemail', 'boolean', { 0: { 1033: 'Allow' }, 1: { 1033: 'Do Not Allow' } }),
    choice('new_hobbies', 'multiselect', { 3: { 1033: 'Chess' } }),
    choice('statecode', 'state', { 0: { 1033: 'Active' } }),
    choice('statuscode', 'status', { 1: { 1033: 'Open' } }, { states: { 1: 0 } }),
  ],
  lookups: [['ownerid', ['systemuser', 'systemuserid', 'fullname'], ['team', 'teamid', 'name']]],
});

async function create(database: TestDatabase, base = 1033, preferred?: number): Promise<ViewReport> {
  await transaction(database.pool, async (client) => writeLabels(client, 'dataverse', ACCOUNT));
  return createCompatibilityViews(database.pool, {
    schema: 'dataverse',
    stateSchema: 'mirrorverse',
    environmentId: 1,
    tables: [],
    languages: { preferred, base },
    organizationId: ORGANIZATION,
    synapseLink: 'synapse',
    fivetran: 'dynamics_365',
  });
}

/** Column names of every view of a schema, as information_schema has them. */
async function columns(database: TestDatabase, schema: string): Promise<Record<string, string[]>> {
  const rows = await database.query<{ name: string; columns: string[] }>(
    `SELECT table_name AS name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
       FROM information_schema.columns WHERE table_schema = $1 GROUP BY 1`,
    [schema],
  );
  return Object.fromEntries(rows.map((row) => [row.name, row.columns]));
}

const LABEL = ['IsUserLocalizedLabel', 'LocalizedLabelLanguageCode', 'LocalizedLabel'];
const SYNAPSE: Readonly<Record<string, readonly string[]>> = {
  OptionsetMetadata: ['EntityName', 'OptionSetName', 'Option', ...LABEL],
  GlobalOptionsetMetadata: ['OptionSetName', 'Option', ...LABEL, 'GlobalOptionSetName', 'EntityName'],
  StateMetadata: ['EntityName', 'State', ...LABEL],
  StatusMetadata: ['EntityName', 'State', 'Status', ...LABEL],
  TargetMetadata: ['EntityName', 'AttributeName', 'ReferencedEntity', 'ReferencedAttribute'],
  AttributeMetadata: [
    'Id',
    'EntityName',
    'AttributeName',
    'AttributeType',
    'AttributeTypeCode',
    'Version',
    'Timestamp',
    'MetadataId',
    'Precision',
  ],
};

describe("Synapse Link's metadata tables", () => {
  it("Synapse Link's metadata tables have their documented names and columns, as they are and in lower case", async () => {
    await using database = await freshDatabase();
    expect((await create(database)).left).toEqual([]);
    const exact = Object.entries(SYNAPSE);
    const lower = exact.map(([name, list]) => [name.toLowerCase(), list.map((each) => each.toLowerCase())]);
    expect(await columns(database, 'synapse')).toEqual(Object.fromEntries([...exact, ...lower]));
  });

  it("Synapse Link's metadata tables answer SQL written for them, quoted or not", async () => {
    await using database = await freshDatabase();
    await create(database);
    await database.query('CREATE TABLE account (name text, industrycode integer, new_region integer)');
    await database.query(`INSERT INTO account VALUES ('Contoso', 1, 5)`);
    expect(
      await database.query(
        `SELECT a.name, o.LocalizedLabel AS industry, g.LocalizedLabel AS region
           FROM account a
           LEFT JOIN synapse.OptionsetMetadata o ON o.EntityName = 'account' AND o.OptionSetName = 'industrycode'
                 AND o.Option = a.industrycode AND o.LocalizedLabelLanguageCode = 1031
           LEFT JOIN synapse.GlobalOptionSetMetadata g ON g.EntityName = 'account' AND g.OptionSetName = 'new_region'
                 AND g.Option = a.new_region AND g.LocalizedLabelLanguageCode = 1033`,
      ),
    ).toEqual([{ name: 'Contoso', industry: 'Buchhaltung', region: 'North' }]);
    expect(
      await database.query(
        `SELECT "OptionSetName", "Option", "LocalizedLabel" FROM synapse."OptionsetMetadata"
          WHERE "LocalizedLabelLanguageCode" = 1033 ORDER BY 1, 2`,
      ),
    ).toEqual([
      { OptionSetName: 'donotemail', Option: 0, LocalizedLabel: 'Allow' },
      { OptionSetName: 'donotemail', Option: 1, LocalizedLabel: 'Do Not Allow' },
      { OptionSetName: 'industrycode', Option: 1, LocalizedLabel: 'Accounting' },
      { OptionSetName: 'new_hobbies', Option: 3, LocalizedLabel: 'Chess' },
    ]);
  });

  it("Synapse Link's metadata tables know states, statuses, lookup targets and attributes", async () => {
    await using database = await freshDatabase();
    await create(database);
    expect(await database.query('SELECT * FROM synapse.statemetadata')).toEqual([
      {
        entityname: 'account',
        state: 0,
        isuserlocalizedlabel: false,
        localizedlabellanguagecode: 1033,
        localizedlabel: 'Active',
      },
    ]);
    expect(await database.query('SELECT state, status, localizedlabel FROM synapse.statusmetadata')).toEqual([
      { state: 0, status: 1, localizedlabel: 'Open' },
    ]);
    expect(await database.query('SELECT globaloptionsetname FROM synapse.globaloptionsetmetadata')).toEqual([
      { globaloptionsetname: 'region' },
    ]);
    expect(
      await database.query(
        'SELECT attributename, referencedentity, referencedattribute FROM synapse.targetmetadata ORDER BY 2',
      ),
    ).toEqual([
      { attributename: 'ownerid', referencedentity: 'systemuser', referencedattribute: 'systemuserid' },
      { attributename: 'ownerid', referencedentity: 'team', referencedattribute: 'teamid' },
    ]);
    expect(
      await database.query(`SELECT * FROM synapse.attributemetadata WHERE attributename = 'revenue'`),
    ).toEqual([
      {
        id: '7',
        entityname: 'account',
        attributename: 'revenue',
        attributetype: 'Money',
        attributetypecode: 8,
        version: null,
        timestamp: null,
        metadataid: 'an-id',
        precision: 2,
      },
    ]);
    expect(
      await database.query(
        `SELECT attributename, attributetypecode AS code FROM synapse.attributemetadata WHERE attributetypecode > 10 ORDER BY 1`,
      ),
    ).toEqual([
      { attributename: 'industrycode', code: 11 },
      { attributename: 'new_hobbies', code: 17 },
      { attributename: 'new_region', code: 11 },
      { attributename: 'statecode', code: 12 },
      { attributename: 'statuscode', code: 13 },
    ]);
  });
});

describe("Fivetran's stringmap", () => {
  it("Fivetran's stringmap has the columns that reports read it by, and each option once, in the preferred language", async () => {
    await using database = await freshDatabase();
    await create(database, 1033, 1031);
    expect(await columns(database, 'dynamics_365')).toEqual({
      stringmap: [
        'stringmapid',
        'attributename',
        'renamed_attributename',
        'attributevalue',
        'objecttypecode',
        'value',
        'displayorder',
        'langid',
        'organizationid',
        'versionnumber',
        '_fivetran_deleted',
        '_fivetran_synced',
      ],
    });
    expect(
      await database.query(
        `SELECT attributename, attributevalue, value, displayorder, langid FROM dynamics_365.stringmap
          WHERE objecttypecode = 'account' AND NOT coalesce(_fivetran_deleted, false) ORDER BY 1, 2`,
      ),
    ).toEqual([
      { attributename: 'donotemail', attributevalue: 0, value: 'Allow', displayorder: 1, langid: 1033 },
      {
        attributename: 'donotemail',
        attributevalue: 1,
        value: 'Do Not Allow',
        displayorder: 2,
        langid: 1033,
      },
      {
        attributename: 'industrycode',
        attributevalue: 1,
        value: 'Buchhaltung',
        displayorder: 1,
        langid: 1031,
      },
      { attributename: 'new_hobbies', attributevalue: 3, value: 'Chess', displayorder: 1, langid: 1033 },
      { attributename: 'new_region', attributevalue: 5, value: 'North', displayorder: 1, langid: 1033 },
      { attributename: 'statecode', attributevalue: 0, value: 'Active', displayorder: 1, langid: 1033 },
      { attributename: 'statuscode', attributevalue: 1, value: 'Open', displayorder: 1, langid: 1033 },
    ]);
    expect(
      await database.query(
        'SELECT count(DISTINCT stringmapid)::int AS ids, min(organizationid::text) AS organization FROM dynamics_365.stringmap',
      ),
    ).toEqual([{ ids: 7, organization: ORGANIZATION }]);
  });
});

describe('compatibility views', () => {
  it('compatibility views show a changed label without being made again', async () => {
    await using database = await freshDatabase();
    await create(database);
    const choices = [choice('industrycode', 'picklist', { 1: { 1033: 'Bookkeeping' } })];
    await transaction(database.pool, async (client) =>
      writeLabels(client, 'dataverse', { ...ACCOUNT, choices }),
    );
    const [optionset] = await database.query('SELECT localizedlabel FROM synapse.optionsetmetadata');
    const [stringmap] = await database.query('SELECT value FROM dynamics_365.stringmap');
    expect([optionset, stringmap]).toEqual([{ localizedlabel: 'Bookkeeping' }, { value: 'Bookkeeping' }]);
  });

  it('compatibility views are made once when five processes start at once', async () => {
    await using database = await freshDatabase();
    await transaction(database.pool, async (client) => writeLabels(client, 'dataverse', ACCOUNT));
    const reports = await Promise.all(Array.from({ length: 5 }, async () => create(database)));
    expect(reports.flatMap(({ left }) => left)).toEqual([]);
    expect(reports.flatMap(({ changed }) => changed)).toHaveLength(13);
  });
});
