import type { ColumnType } from '../../model/table.ts';
import { POSTGRES_TYPE, widens } from './column-sql.ts';
import { columnIdentifiers } from './identifier.ts';
import { DELETED_AT, MIRRORED_AT, type MirrorColumn, type MirrorTable } from './mirror-table.ts';

/** A column of the mirror table as it stands in PostgreSQL. */
export interface ExistingColumn {
  /** As format_type() prints it. */
  readonly type: string;
  readonly comment: string | null;
  /** What the catalog says it holds; absent where the catalog does not know it. */
  readonly holds?: ColumnType;
  /** Of which attribute, by the catalog. */
  readonly attribute?: string;
  /** By which the source tells that attribute from others, by the catalog; null where that is unknown. */
  readonly metadataId?: string | null;
  /** The catalog says that it went: rows written since lack its values. */
  readonly removed?: boolean;
}

/** The mirror table as it stands in PostgreSQL. */
export interface ExistingTable {
  readonly comment: string | null;
  readonly columns: ReadonlyMap<string, ExistingColumn>;
  /** Columns it has ever had: PostgreSQL counts dropped ones towards its limit. */
  readonly slots: number;
  /** A crash of the server empties it. */
  readonly unlogged?: boolean;
}

/** What may happen by itself, by kind of change. */
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

/** The policy once somebody has said yes to what it asks about. */
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
  /** Every value of the old type is one of the new: the column changes in place. */
  | { readonly kind: 'widened'; readonly column: MirrorColumn; readonly from: string }
  /** A new column takes the name; the old one keeps its values under `keptAs`. */
  | {
      readonly kind: 'replaced';
      readonly column: MirrorColumn;
      readonly from: string;
      readonly keptAs: string;
    }
  /** Another attribute has the name of one that was removed, and its type: its values are read anew. */
  | { readonly kind: 'remade'; readonly column: MirrorColumn }
  /** Values are hashed from now on: those in the clear go, also from columns that were put aside. */
  | { readonly kind: 'hashed'; readonly column: MirrorColumn; readonly inTheClear: readonly string[] }
  /** The source has it no longer. */
  | { readonly kind: 'removed'; readonly name: string };

/** A change and what the policy says to it. */
export type Verdict = Change & { readonly policy: Policy };

/**
 * The differences between what the source describes and the mirror table, each with its policy.
 *
 * @param removed columns the source no longer has.
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
 * Whether a column's attribute is another one than the mirror table's values are of. A table made anew
 * has other attributes throughout, its key among them: that is no change of a column.
 */
function isRemade(mirror: MirrorTable, column: MirrorColumn, existing: ExistingTable): boolean {
  const key = mirror.columns[mirror.keyField];
  return isAnother(column, existing) && !(key !== undefined && isAnother(key, existing));
}

/** What went and came back is read anew in any case. */
function isAnother({ identifier, metadataId }: MirrorColumn, existing: ExistingTable): boolean {
  const { metadataId: known = null, removed = false } = existing.columns.get(identifier) ?? {};
  return !removed && known !== null && metadataId !== undefined && known !== metadataId;
}

/** Columns with former values of an attribute. */
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

/** `revenue_20261121`, or that and a hash where the name is taken. */
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
      // The configuration's own wish, not the source's.
      return 'apply';
  }
}

/** A change in words, for a person. */
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
