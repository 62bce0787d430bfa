import { expect, test } from 'vitest';
import { csdlDefinitions } from '../../src/emulator/recorded/csdl-definitions.ts';
import { columnNamed, csdlKey, type TableDefinition } from '../../src/emulator/definitions/emulated-table.ts';
import { EmulatedApi } from '../support/emulated-api.ts';
import { recordedCsdl } from '../support/recorded.ts';

const csdl = recordedCsdl();
const tables = new Map(csdlDefinitions(csdl).map((table) => [table.logicalName, table]));

function named(name: string): TableDefinition {
  const table = tables.get(name);
  if (table === undefined) throw new Error(`no table ${name}`);
  return table;
}

/** What a CSDL document tells of tables, in an order of its own. */
function declared(all: Iterable<TableDefinition>): string[] {
  return [...all]
    .flatMap(({ logicalName, entitySetName, primaryIdAttribute, isActivity, columns }) =>
      columns.map(({ logicalName: column, kind, behavior, isInherited, targets }) =>
        JSON.stringify({
          table: [logicalName, entitySetName, primaryIdAttribute, isActivity],
          column: [column, kind, behavior, isInherited, ...targets.toSorted()],
        }),
      ),
    )
    .toSorted();
}

test('tables are the types below crmbaseentity that have an entity set', () => {
  expect(tables.size).toBe(390);
  expect(tables.has('activitypointer')).toBe(true);
  for (const none of ['crmbaseentity', 'principal', 'EntityMetadata', 'MetadataBase']) {
    expect(tables.has(none)).toBe(false);
  }
});

test('kinds follow from Edm types', () => {
  const kinds = [
    ['contact', 'birthdate', 'DateTime', 'DateOnly'],
    ['contact', 'createdon', 'DateTime', 'UserLocal'],
    ['contact', 'entityimage', 'Image', null],
    ['contact', 'creditlimit', 'Decimal', null],
    ['contact', 'versionnumber', 'BigInt', null],
    ['contact', 'donotemail', 'Boolean', null],
    ['contact', 'ownerid', 'Owner', null],
    ['contact', 'parentcustomerid', 'Lookup', null],
    ['contact', 'stageid', 'Uniqueidentifier', null],
    ['role', 'iscustomizable', 'ManagedProperty', null],
  ] as const;
  for (const [table, name, kind, behavior] of kinds) {
    const column = columnNamed(named(table), name);
    expect([table, name, column?.kind, column?.behavior]).toEqual([table, name, kind, behavior]);
  }
});

test('lookups point where navigation properties lead, through principal to users and teams', () => {
  expect(columnNamed(named('contact'), 'parentcustomerid')?.targets.toSorted()).toEqual([
    'account',
    'contact',
  ]);
  expect(columnNamed(named('contact'), 'ownerid')?.targets.toSorted()).toEqual(['systemuser', 'team']);
  expect(columnNamed(named('email'), 'regardingobjectid')?.targets.length).toBeGreaterThan(20);
});

test('users and teams have their own primary id beside the key of principal', () => {
  for (const name of ['systemuser', 'team']) {
    expect([named(name).primaryIdAttribute, csdlKey(named(name))]).toEqual([`${name}id`, 'ownerid']);
  }
});

test('activities inherit from activitypointer, which is a table itself', () => {
  expect(columnNamed(named('task'), 'subject')?.isInherited).toBe(true);
  expect(columnNamed(named('task'), 'percentcomplete')?.isInherited).toBe(false);
  expect(columnNamed(named('activitypointer'), 'subject')).toMatchObject({
    isInherited: false,
    isValidODataAttribute: true,
  });
});

test('a recorded document is served byte for byte', async () => {
  await using api = await EmulatedApi.open({ tables: [...tables.values()], csdl });
  expect((await api.get('$metadata')).text).toBe(csdl);
});

test('a document made from the tables declares what the recorded document declares', async () => {
  await using api = await EmulatedApi.open({ tables: [...tables.values()] });
  const made = csdlDefinitions((await api.get('$metadata')).text);
  expect(declared(made)).toEqual(declared(tables.values()));
});
