import { METADATA_VERSION } from '../rows/page.ts';
import { KINDS } from '../shapes/kinds.ts';
import { propertyOf } from '../shapes/shape.ts';
import { entitySet, shapeOfTable, type SourceTable } from './table.ts';

export const API_PATH = '/api/data/v9.2/';

/** The tables by name, and when they changed. */
export interface Model {
  readonly tables: ReadonlyMap<string, SourceTable>;
  /** How often a table has changed. */
  changes: number;
  /** The number of the last change of a table. */
  readonly changedAt: Map<string, number>;
}

/** What the source answers to a request that is not for rows. */
export function metadataAnswer(model: Model, path: string, query: URLSearchParams): string {
  const tables = [...model.tables.values()];
  if (path === 'organizations') {
    // Pages have the first version, as from servers that lag behind.
    const version = METADATA_VERSION.replace(/\d+(?="$)/, (first) =>
      String(BigInt(first) + BigInt(model.changes)),
    );
    return `{${version},"value":[{"expirechangetrackingindays":7,"languagecode":1033}]}`;
  }
  if (path.startsWith('RetrieveMetadataChanges')) return JSON.stringify(changes(model, query.get('@p2')));
  return path === '$metadata' ? csdl(tables) : JSON.stringify(json(tables, path));
}

/** The tables that have changed since a stamp. Their parts are left out, because mirrorverse reads none of them. */
function changes(model: Model, stamp: string | null): unknown {
  const since = Number(/\d+/.exec(stamp ?? '')?.[0] ?? model.changes);
  const names = [...model.changedAt].flatMap(([name, at]) => (at > since ? [name] : []));
  return {
    ServerVersionStamp: `${model.changes}!11/28/2026 12:00:00`,
    DeletedMetadata: { Count: 0, IsReadOnly: false, Keys: [], Values: [] },
    EntityMetadata: names.map((LogicalName) => ({ LogicalName, HasChanged: true })),
  };
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
