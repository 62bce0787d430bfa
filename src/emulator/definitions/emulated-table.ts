import type { Column } from './column.ts';
import type { LocalizedText } from './localized-label.ts';
import type { Recorded } from './recorded-members.ts';

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
