import { attributes, KEY, propertyOf } from '../rows/attributes.ts';
import { entitySet, type SourceTable } from './table.ts';

export const API_PATH = '/api/data/v9.2/';

/** What the source answers to a request that is not for rows. */
export function metadataAnswer(tables: readonly SourceTable[], path: string): string {
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
  const list = attributes(tables.find((table) => table.name === name)?.columns ?? 2);
  if (path.endsWith('/Attributes')) {
    return {
      value: list.map(({ name: attribute, type }) => ({
        LogicalName: attribute,
        AttributeTypeName: { Value: type },
      })),
    };
  }
  if (path.endsWith('LookupAttributeMetadata')) {
    const lookups = list.filter(({ type }) => type === 'LookupType');
    return { value: lookups.map(({ name: lookup }) => ({ LogicalName: lookup, Targets: ['contact'] })) };
  }
  return { value: [] };
}

function definition(table: SourceTable): unknown {
  return {
    LogicalName: table.name,
    EntitySetName: entitySet(table),
    PrimaryIdAttribute: KEY,
    ChangeTrackingEnabled: true,
  };
}

function csdl(tables: readonly SourceTable[]): string {
  const types = tables.map(({ name, columns }) => {
    const properties = attributes(columns).map((attribute) => `<Property Name="${propertyOf(attribute)}"/>`);
    return `<EntityType Name="${name}">${properties.join('')}</EntityType>`;
  });
  return `<Schema>${types.join('')}</Schema>`;
}
