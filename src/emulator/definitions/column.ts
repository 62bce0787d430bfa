import { isLookupKind, type AttributeKind } from './attribute-kind.ts';
import type { LocalizedText, Recorded } from './metadata-members.ts';
import type { OptionSet } from './option-set.ts';

export type DateTimeBehavior = 'UserLocal' | 'DateOnly' | 'TimeZoneIndependent';

/** One attribute of a table: what the metadata says about it, and whether rows carry it. */
export interface Column {
  readonly logicalName: string;
  readonly schemaName: string;
  /** Only for a column that was made after its table. Other ids are derived from the table and the name. */
  readonly metadataId?: string;
  readonly kind: AttributeKind;
  readonly displayName: LocalizedText | null;
  readonly description: LocalizedText | null;
  readonly attributeOf: string | null;
  readonly isValidForRead: boolean;
  /** The flag as metadata reports it. For attributes inherited from activitypointer it is false although rows carry them. */
  readonly isValidODataAttribute: boolean;
  /** Declared by the base type activitypointer in the CSDL. */
  readonly isInherited: boolean;
  readonly isPrimaryId: boolean;
  readonly isPrimaryName: boolean;
  readonly isCustom: boolean;
  readonly isLogical: boolean;
  readonly isSecured: boolean;
  readonly requiredLevel: 'None' | 'SystemRequired' | 'ApplicationRequired' | 'Recommended';
  /** 0 simple, 1 calculated, 2 rollup, 3 formula; null where a live organization has null. */
  readonly sourceType: 0 | 1 | 2 | 3 | null;
  readonly maxLength: number | null;
  readonly format: string | null;
  /** Number texts, kept exact. */
  readonly minValue: string | null;
  readonly maxValue: string | null;
  readonly precision: number | null;
  readonly calculationOf: string | null;
  readonly behavior: DateTimeBehavior | null;
  readonly targets: readonly string[];
  readonly optionSet: OptionSet | null;
  readonly recorded?: Recorded;
}

/** The property name under which rows carry the column. */
export function wireProperty(column: Column): string {
  return isLookupKind(column.kind) ? `_${column.logicalName}_value` : column.logicalName;
}

/** Whether the CSDL declares a property for the column, that is, whether it can be selected. */
export function isDeclared(column: Column): boolean {
  return (column.isValidODataAttribute || column.isInherited) && column.kind !== 'PartyList';
}

/** Whether rows carry the column. Some declared columns may be written but never read. */
export function isInRows(column: Column): boolean {
  return isDeclared(column) && column.isValidForRead;
}
