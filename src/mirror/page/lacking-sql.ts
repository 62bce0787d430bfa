import { isUnseen, KEY_COLUMNS, keyColumns, sameKey, staging } from './merge-sql.ts';
import { columnName, type MirrorTable } from '../table/mirror-table.ts';

/** Of the keys in `keyParameters`, those whose rows the mirror has with a version, by their place in them. */
export function versionedRows(mirror: MirrorTable, versionField: number, overUnseen?: string): string {
  // What is not among the seen keys has a version of a time that the environment went back from.
  const isMeant = overUnseen === undefined ? 'true' : `NOT ${isUnseen(mirror, overUnseen)}`;
  return `SELECT r.at::int AS at FROM ${givenRows(mirror)} JOIN ${mirror.qualified} m ON ${sameKey(mirror, 'r', KEY_COLUMNS)}
    WHERE m.${columnName(mirror, versionField)} IS NOT NULL AND ${isMeant}`;
}

/** A lookup that says which table its id is of: positions of both columns. */
export interface LookupColumns {
  readonly id: number;
  readonly type: number;
}

/**
 * Of the keys in `keyParameters`, those of which the mirror knows the table of a lookup, by their place in
 * them, and the id that it is the table of.
 */
export function knownTypes(mirror: MirrorTable, { id, type }: LookupColumns): string {
  return `SELECT r.at::int AS at, m.${columnName(mirror, id)}::text AS id
    FROM ${givenRows(mirror)} JOIN ${mirror.qualified} m ON ${sameKey(mirror, 'r', KEY_COLUMNS)}
    WHERE m.${columnName(mirror, type)} IS NOT NULL`;
}

/** Gives staged rows that came without a lookup's table the one that the mirror has for the same id. */
export function keepTypes(mirror: MirrorTable, { id, type }: LookupColumns): string {
  const [idName, typeName] = [columnName(mirror, id), columnName(mirror, type)];
  return `UPDATE ${staging(mirror)} s SET ${typeName} = m.${typeName} FROM ${mirror.qualified} m
    WHERE ${sameKey(mirror, 's', keyColumns(mirror))}
      AND s.${typeName} IS NULL AND m.${typeName} IS NOT NULL AND s.${idName} = m.${idName}`;
}

/** The keys in `keyParameters`, with their places from 1 on. */
function givenRows(mirror: MirrorTable): string {
  return mirror.partitionField === undefined
    ? 'unnest($1::uuid[]) WITH ORDINALITY AS r(key, at)'
    : 'unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS r(key, partition, at)';
}
