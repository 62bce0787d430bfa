import type { Column } from './column.ts';
import type { LocalizedText, Recorded } from './metadata-members.ts';

/** One table of the organization as metadata describes it. */
export interface TableDefinition {
  readonly logicalName: string;
  readonly schemaName: string;
  readonly entitySetName: string;
  readonly logicalCollectionName: string;
  readonly displayName: LocalizedText | null;
  readonly displayCollectionName: LocalizedText | null;
  readonly description: LocalizedText | null;
  readonly objectTypeCode: number;
  readonly metadataId: string;
  readonly primaryIdAttribute: string;
  readonly primaryNameAttribute: string | null;
  readonly primaryImageAttribute: string | null;
  /** `UserOwned`, `OrganizationOwned`, `BusinessOwned`, `None` and rarer ones. */
  readonly ownershipType: string;
  readonly tableType: 'Standard' | 'Virtual' | 'Elastic';
  /** The CSDL base type. Types derived from principal have the key `ownerid` there. */
  readonly baseType: 'crmbaseentity' | 'activitypointer' | 'principal';
  readonly changeTrackingEnabled: boolean;
  readonly canChangeTrackingBeEnabled: boolean;
  /**
   * The version before the first write of a virtual table whose provider counts versions itself; absent where the
   * organization's counter counts, and for a virtual table without versions.
   */
  readonly ownCounter?: bigint;
  readonly isActivity: boolean;
  readonly isCustomEntity: boolean;
  /** Both ends of an N:N table; such a table can be tracked when both ends are. */
  readonly intersects: readonly [string, string] | null;
  readonly columns: readonly Column[];
  readonly recorded?: Recorded;
}

/** The key property the CSDL declares, which is not always the primary id attribute. */
export function csdlKey(table: TableDefinition): string {
  return table.baseType === 'principal' ? 'ownerid' : table.primaryIdAttribute;
}

/** The column with the given logical name, or undefined. */
export function columnNamed(table: TableDefinition, logicalName: string): Column | undefined {
  return table.columns.find((column) => column.logicalName === logicalName);
}

/** The single-valued navigation property through which a lookup reaches one of its targets. */
export function navigationProperty(table: TableDefinition, column: Column, target: string): string {
  if (column.kind === 'Owner' || column.targets.length === 1)
    return nameFor(table, column, column.logicalName);
  return nameFor(table, column, `${column.logicalName}_${target}`);
}

/** Activities carry the name of their own table in the navigation properties of what they inherit. */
function nameFor(table: TableDefinition, column: Column, name: string): string {
  return column.isInherited && column.kind === 'Lookup' ? `${name}_${table.logicalName}` : name;
}
