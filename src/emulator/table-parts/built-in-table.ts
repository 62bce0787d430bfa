import type { Column } from '../definitions/column.ts';
import { stableGuid, type LocalizedText } from '../definitions/metadata-members.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import { withCompanions } from './companion-columns.ts';

/** The facts in each table file. The rest of the definition follows from them. */
export interface TableFacts {
  readonly schemaName: string;
  readonly entitySetName: string;
  readonly objectTypeCode: number;
  readonly displayName: LocalizedText;
  readonly displayCollectionName: LocalizedText;
  readonly description?: LocalizedText;
  readonly columns: readonly Column[];
  readonly primaryImageAttribute?: string;
  readonly ownershipType?: TableDefinition['ownershipType'];
  readonly tableType?: TableDefinition['tableType'];
  readonly baseType?: TableDefinition['baseType'];
  readonly changeTrackingEnabled?: boolean;
  readonly canChangeTrackingBeEnabled?: boolean;
  readonly ownCounter?: bigint;
  readonly intersects?: readonly [string, string];
}

/** Builds the definition of a table, label companions included. */
export function defineTable(facts: TableFacts): TableDefinition {
  const logicalName = facts.schemaName.toLowerCase();
  const columns = withCompanions(facts.columns);
  const primaryId = columns.find((column) => column.isPrimaryId);
  if (primaryId === undefined) throw new Error(`Table ${logicalName} has no primary id`);
  return {
    logicalName,
    schemaName: facts.schemaName,
    entitySetName: facts.entitySetName,
    logicalCollectionName: facts.entitySetName,
    displayName: facts.displayName,
    displayCollectionName: facts.displayCollectionName,
    description: facts.description ?? null,
    objectTypeCode: facts.objectTypeCode,
    metadataId: stableGuid(`table:${logicalName}`),
    primaryIdAttribute: primaryId.logicalName,
    primaryNameAttribute: columns.find((column) => column.isPrimaryName)?.logicalName ?? null,
    primaryImageAttribute: facts.primaryImageAttribute ?? null,
    ownershipType: facts.ownershipType ?? 'UserOwned',
    tableType: facts.tableType ?? 'Standard',
    baseType: facts.baseType ?? 'crmbaseentity',
    changeTrackingEnabled: facts.changeTrackingEnabled ?? true,
    canChangeTrackingBeEnabled: facts.canChangeTrackingBeEnabled ?? true,
    ...(facts.ownCounter === undefined ? {} : { ownCounter: facts.ownCounter }),
    isActivity: facts.baseType === 'activitypointer',
    isCustomEntity: facts.schemaName.startsWith('new_'),
    intersects: facts.intersects ?? null,
    columns,
  };
}
