import type { ColumnType } from '../../model/table.ts';
import { POSTGRES_TYPE, widens } from './column-sql.ts';
import { columnIdentifiers } from './identifier.ts';
import type { PartitionLayout } from './partitions/partition-layout.ts';
import { DELETED_AT, MIRRORED_AT, type MirrorColumn, type MirrorTable } from './mirror-table.ts';

/** A column of the mirror table, as PostgreSQL has it. */
export interface ExistingColumn {
  /** As format_type() prints it. */
  readonly type: string;
  readonly comment: string | null;
  /** The type of its values, by the catalog; absent where the catalog does not know the column. */
  readonly holds?: ColumnType;
  /** The attribute that it holds, by the catalog. */
  readonly attribute?: string;
  /** The source's id of that attribute, by the catalog; null where it is unknown. */
  readonly metadataId?: string | null;
  /** The catalog says that the source removed it: rows written since then lack its values. */
  readonly removed?: boolean;
}

/** The mirror table, as PostgreSQL has it. */
export interface ExistingTable {
  readonly comment: string | null;
  readonly columns: ReadonlyMap<string, ExistingColumn>;
  /** Columns that it has ever had. PostgreSQL counts dropped ones towards its limit. */
  readonly slots: number;
  /** A crash of the server would empty the table. */
  readonly unlogged?: boolean;
  /** mirrorverse made indexes on its lookups. */
  readonly hasOurIndexes?: boolean;
  /** How it is divided; absent if nobody asked. */
  readonly layout?: PartitionLayout;
}

/** Whether a kind of change happens by itself. */
export type Policy = 'apply' | 'ask' | 'refuse';

export interface DriftPolicy {
  readonly columnAdded: Policy;
  readonly columnRemoved: Policy;
  readonly columnRetyped: Policy;
}

export const APPLY_ALL: DriftPolicy = {
  columnAdded: 'apply',
  columnRemoved: 'apply',
  columnRetyped: 'apply',
};

/** The policy after a person has said yes to what it asks about. */
export function consented(policy: DriftPolicy): DriftPolicy {
  return {
    columnAdded: afterConsent(policy.columnAdded),
    columnRemoved: afterConsent(policy.columnRemoved),
    columnRetyped: afterConsent(policy.columnRetyped),
  };
}

function afterConsent(policy: Policy): Policy {
  return policy === 'ask' ? 'apply' : policy;
}

/** One difference between the source's metadata and the mirror table. */
export type Change =
  | { readonly kind: 'added'; readonly column: MirrorColumn }
  /** Every value of the old type is a value of the new one: the column changes in place. */
  | { readonly kind: 'widened'; readonly column: MirrorColumn; readonly from: string }
  /** A new column takes the name; the old one keeps its values under `keptAs`. */
  | {
      readonly kind: 'replaced';
      readonly column: MirrorColumn;
      readonly from: string;
      readonly keptAs: string;
    }
  /** Another attribute took the name and type of a removed one: its values have to be read anew. */
  | { readonly kind: 'remade'; readonly column: MirrorColumn }
  /** Values are hashed from now on: plain values go, also from columns that were put aside. */
  | { readonly kind: 'hashed'; readonly column: MirrorColumn; readonly inTheClear: readonly string[] }
  /** The source no longer has it. */
  | { readonly kind: 'removed'; readonly name: string };

/** A change and what the policy says to it. */
export type Verdict = Change & { readonly policy: Policy };

/**
 * Finds the differences between the source's description and the mirror table, each with its policy.
 *
 * @param removed columns that the source no longer has.
 * @param day suffix for columns that are kept under another name, as 20261121.
 */
export function driftOf(
  mirror: MirrorTable,
  existing: ExistingTable,
  removed: readonly string[],
  policy: DriftPolicy,
  day: string,
): Verdict[] {
  const found = mirror.columns.flatMap((column): Verdict[] => {
    const change = changeOf(mirror, column, existing, day);
    return change === undefined ? [] : [{ ...change, policy: policyFor(change, policy) }];
  });
  const gone = removed.map((name): Verdict => ({ kind: 'removed', name, policy: policy.columnRemoved }));
  return [...found, ...gone];
}

function changeOf(
  mirror: MirrorTable,
  column: MirrorColumn,
  existing: ExistingTable,
  day: string,
): Change | undefined {
  const found = existing.columns.get(column.identifier);
  if (found === undefined) return { kind: 'added', column };
  const fits = column.type === 'hash' ? found.holds === 'hash' : found.type === POSTGRES_TYPE[column.type];
  if (fits) return isRemade(mirror, column, existing) ? { kind: 'remade', column } : undefined;
  if (column.type === 'hash') {
    return { kind: 'hashed', column, inTheClear: putAside(mirror, column, existing) };
  }
  if (widens(found.type, column.type)) return { kind: 'widened', column, from: found.type };
  return { kind: 'replaced', column, from: found.type, keptAs: keptName(mirror, column, existing, day) };
}

/**
 * Whether a column's attribute is another one than the one whose values the mirror table has. In a table that
 * was made anew all attributes are others, the key's among them: that is no change of a column.
 */
function isRemade(mirror: MirrorTable, column: MirrorColumn, existing: ExistingTable): boolean {
  const key = mirror.columns[mirror.keyField];
  return isAnother(column, existing) && !(key !== undefined && isAnother(key, existing));
}

/** A column that went and came back is read anew in any case. */
function isAnother({ identifier, metadataId }: MirrorColumn, existing: ExistingTable): boolean {
  const { metadataId: known = null, removed = false } = existing.columns.get(identifier) ?? {};
  return !removed && known !== null && metadataId !== undefined && known !== metadataId;
}

/** Columns that keep former values of an attribute. */
function putAside(mirror: MirrorTable, { attribute }: MirrorColumn, existing: ExistingTable): string[] {
  const wanted = new Set(mirror.columns.map(({ identifier }) => identifier));
  return [...existing.columns].flatMap(([identifier, column]) =>
    column.removed === true &&
    column.attribute === attribute &&
    column.holds !== 'hash' &&
    !wanted.has(identifier)
      ? [identifier]
      : [],
  );
}

/** `revenue_20261121`, with a hash where that name is taken. */
function keptName(mirror: MirrorTable, column: MirrorColumn, existing: ExistingTable, day: string): string {
  const taken = [...existing.columns.keys(), ...mirror.columns.map(({ identifier }) => identifier)];
  const wanted = `${column.identifier}_${day}`;
  return columnIdentifiers([wanted], [...taken, MIRRORED_AT, DELETED_AT]).get(wanted) ?? wanted;
}

function policyFor(change: Change, policy: DriftPolicy): Policy {
  switch (change.kind) {
    case 'added':
      return policy.columnAdded;
    case 'widened':
    case 'replaced':
    case 'remade':
      return policy.columnRetyped;
    case 'removed':
      return policy.columnRemoved;
    case 'hashed':
      // The configuration asks for this change, not the source.
      return 'apply';
  }
}

/** Describes a change to a person. */
export function describeChange(change: Change): string {
  switch (change.kind) {
    case 'added':
      return `column ${change.column.name} (${POSTGRES_TYPE[change.column.type]}) is new`;
    case 'widened':
      return `column ${change.column.name} turns from ${change.from} into ${POSTGRES_TYPE[change.column.type]}`;
    case 'replaced':
      return `column ${change.column.name} turns from ${change.from} into ${POSTGRES_TYPE[change.column.type]}; the old one stays as ${change.keptAs}`;
    case 'remade':
      return `column ${change.column.name} was removed and made anew; its values are read again`;
    case 'hashed':
      return `column ${change.column.name} is hashed from now on`;
    case 'removed':
      return `column ${change.name} is gone at the source; its values stay`;
  }
}
