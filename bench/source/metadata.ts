import { METADATA_VERSION } from '../rows/page.ts';
import { KINDS } from '../shapes/kinds.ts';
import { propertyOf } from '../shapes/shape.ts';
import { entitySet, shapeOfTable, type SourceTable } from './table.ts';

export const API_PATH = '/api/data/v9.2/';

/** What the source answers to a request that is not for rows. */
export function metadataAnswer(tables: readonly SourceTable[], path: string): string {
  if (path === 'organizations') {
    return `{${METADATA_VERSION},"value":[{"expirechangetrackingindays":7,"languagecode":1033}]}`;
  }
  return path === '$metadata' ? csdl(tables) : JSON.stringify(json(tables, path));
}

function json(tables: readonly SourceTable[], path: string): unknown {
  if (path === 'WhoAmI') return { OrganizationId: '11111111-2222-4333-8444-555555555555' };
  if (path === 'EntityDefinitions') return { value: tables.map(definition) };
  if (path.startsWith('RetrieveTotalRecordCount')) {
    const counted = tables.filter(({ name }) => path.includes(`'${name}'`));
    const Keys = counted.map(({ name }) => name);
    return { EntityRecordCountCollection: { Keys, Values: counted.map(({ rows }) => rows) } };
  }
  const name = /LogicalName='([^']+)'/.exec(path)?.[1];
  const table = tables.find((each) => each.name === name);
  const list = table === undefined ? [] : shapeOfTable(table).attributes;
  if (path.endsWith('/Attributes')) {
    return {
      value: list.map(({ name: attribute, kind }) => ({
        LogicalName: attribute,
        AttributeTypeName: { Value: KINDS[kind].type },
      })),
    };
  }
  if (path.endsWith('LookupAttributeMetadata')) {
    const value = list.flatMap(({ name: lookup, kind }) => {
      const { targets } = KINDS[kind];
      return targets === undefined ? [] : [{ LogicalName: lookup, Targets: targets }];
    });
    return { value };
  }
  if (path.endsWith('DateTimeAttributeMetadata')) {
    const value = list.flatMap(({ name: date, kind }) => {
      const { behavior } = KINDS[kind];
      return behavior === undefined ? [] : [{ LogicalName: date, DateTimeBehavior: { Value: behavior } }];
    });
    return { value };
  }
  return { value: [] };
}

function definition(table: SourceTable): unknown {
  return {
    LogicalName: table.name,
    EntitySetName: entitySet(table),
    PrimaryIdAttribute: shapeOfTable(table).key,
    ChangeTrackingEnabled: true,
  };
}

function csdl(tables: readonly SourceTable[]): string {
  const types = tables.map((table) => {
    const properties = shapeOfTable(table).attributes.map(
      (attribute) => `<Property Name="${propertyOf(attribute)}"/>`,
    );
    return `<EntityType Name="${table.name}">${properties.join('')}</EntityType>`;
  });
  return `<Schema>${types.join('')}</Schema>`;
}
