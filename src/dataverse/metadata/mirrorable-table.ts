import { closestName } from '../../model/closest-name.ts';
import { Failure } from '../../model/failure.ts';
import type { Column, OddItem, Table } from '../../model/table.ts';
import { nameOfOdd, type ParsedDefinitions } from './odd-definitions.ts';
import { kindOf, labelText, type EntityDefinition } from './table-definition.ts';

/** The second column of an elastic table's key ("Create and edit elastic tables"). */
const PARTITION = 'partitionid';
const VERSION = 'versionnumber';
/** Rows of an elastic table that the environment sends in a page at most. */
const ELASTIC_PAGE = 500;

interface Mirrorable {
  readonly entitySet: string;
  readonly primaryId: string;
}

export const isNamed =
  (name: string) =>
  (definition: EntityDefinition): boolean =>
    definition.LogicalName === name;

/** The failure of a table that has no usable definition: the table is missing, or its definition is odd. */
export function noUsableDefinition(
  table: string,
  { items, odd }: ParsedDefinitions<EntityDefinition>,
): Failure {
  const own = odd.find(({ name }) => name === table);
  if (own !== undefined) return definitionOdd(table, own.reason);
  const nameless = odd.find(({ name }) => name === null);
  const missing = tableNotFound(table, items);
  // An odd definition without a name may be the one of this table, so the table does not count as missing.
  if (nameless === undefined) return missing;
  return definitionOdd(table, `it is missing, or ${nameOfOdd(nameless)}, where ${nameless.reason}`);
}

/** The failure of a table with an odd definition. */
export function definitionOdd(table: string, reason: string): Failure {
  return new Failure({
    code: 'definition-odd',
    message: `The environment's definition of table ${table} cannot be used: ${reason}.`,
    remedy: `Look at \`EntityDefinitions(LogicalName='${table}')\` in the environment; mend the table there, or take it out of tables.`,
    details: { table },
  });
}

/**
 * A virtual table may have a change feed if its change tracking is on ("Track changes for Finance and Operations
 * virtual tables"). Whether the feed really works shows at the first load, see `probeVirtual`.
 *
 * @throws Failure `not-mirrorable` for a table that cannot have a change feed.
 */
export function checkTrackable(definition: EntityDefinition | undefined): void {
  if (definition === undefined || kindOf(definition) !== 'virtual') return;
  if (definition.ChangeTrackingEnabled === true) return;
  throw notMirrorable(
    definition.LogicalName,
    'it is a virtual table whose change tracking is off',
    'Give it `mode: snapshot`, or take it out of tables. For a table of Finance and Operations, you can also turn on "Allow Row Version Change Tracking" of its entity, and then "Track changes" of the table.',
    { virtual: true },
  );
}

export function checkReadable(definition: EntityDefinition): Mirrorable {
  const { LogicalName: name, EntitySetName: entitySet, PrimaryIdAttribute: primaryId } = definition;
  if (!entitySet) throw notMirrorable(name, 'it has no entity set (EntitySetName)');
  if (!primaryId) throw notMirrorable(name, 'it has no primary id (PrimaryIdAttribute)');
  return { entitySet, primaryId };
}

function notMirrorable(
  table: string,
  why: string,
  remedy = 'Take it out of tables.',
  details: Readonly<Record<string, unknown>> = {},
): Failure {
  return new Failure({
    code: 'not-mirrorable',
    message: `Table ${table} cannot be mirrored: ${why}.`,
    remedy,
    details: { table, ...details },
  });
}

export function tableOf(
  definition: EntityDefinition,
  mirrorable: Mirrorable,
  columns: readonly Column[],
  odd: readonly OddItem[],
): Table {
  // Key, version and partition identify and order rows. Without one of them the mirror would treat the table
  // as another kind.
  const fixed = odd.find(({ name }) => [mirrorable.primaryId, VERSION, PARTITION].includes(name ?? ''));
  if (fixed !== undefined) {
    throw definitionOdd(definition.LogicalName, `of its column ${fixed.name}, ${fixed.reason}`);
  }
  const displayName = labelText(definition.DisplayName);
  const description = labelText(definition.Description);
  const named = (name: string): boolean => columns.some((column) => column.name === name);
  if (!named(mirrorable.primaryId)) {
    throw notMirrorable(definition.LogicalName, `its primary id ${mirrorable.primaryId} is not readable`);
  }
  const isElastic = kindOf(definition) === 'elastic';
  const isVirtual = kindOf(definition) === 'virtual';
  const primaryName = definition.PrimaryNameAttribute;
  return {
    logicalName: definition.LogicalName,
    entitySet: mirrorable.entitySet,
    key: mirrorable.primaryId,
    ...(isElastic && named(PARTITION) ? { partition: PARTITION } : {}),
    // A provider may count its versions as it likes. A guard by them could refuse newer rows for ever.
    ...(named(VERSION) && !isVirtual ? { version: VERSION } : {}),
    ...(isVirtual ? { isVirtual } : {}),
    ...(primaryName && named(primaryName) ? { primaryName } : {}),
    ...(definition.MetadataId ? { metadataId: definition.MetadataId.toLowerCase() } : {}),
    ...(isElastic ? { largestPage: ELASTIC_PAGE } : {}),
    columns,
    ...(displayName === undefined ? {} : { displayName }),
    ...(description === undefined ? {} : { description }),
  };
}

/** The failure for a name that no table has. It suggests similar names. */
export function tableNotFound(logicalName: string, tables: readonly EntityDefinition[]): Failure {
  const named = tables.find(({ EntitySetName }) => EntitySetName === logicalName)?.LogicalName;
  const similar =
    named ??
    closestName(
      logicalName,
      tables.map((table) => table.LogicalName),
    );
  return new Failure({
    code: 'table-not-found',
    message: `The environment has no table ${logicalName}.`,
    remedy:
      similar !== null
        ? `Tables are named by their logical name: did you mean ${similar}?`
        : 'Check the logical name; `mirrorverse tables` lists the tables of the environment.',
    details: { table: logicalName },
  });
}
