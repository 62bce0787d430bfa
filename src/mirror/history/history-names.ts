import { qualifiedName, shortenIdentifier } from '../table/identifier.ts';
import { DELETED_AT, MIRRORED_AT } from '../table/mirror-table.ts';

/** The columns of a history beside those of the mirror table. */
export const OWN_COLUMNS = ['_valid_from', '_valid_to', '_version', '_deleted'];

/** SQL: the names of columns of a mirror table that its history does not keep. */
export const NOT_KEPT = [MIRRORED_AT, DELETED_AT, ...OWN_COLUMNS].map((name) => `'${name}'`).join(', ');

/** The schema of the histories. @param schema of the mirror tables. */
export function historySchema(schema: string): string {
  return shortenIdentifier(`${schema}_history`);
}

/** Where the history of a table is. */
export interface HistoryPlace {
  readonly schema: string;
  /** Name of the table of records, unquoted. It is also the name of the mirror table. */
  readonly identifier: string;
  /** Schema and name of the table of records, quoted. */
  readonly records: string;
  /** The functions that give the rows of a moment and of a version, each quoted and with its schema. */
  readonly asOf: string;
  readonly asOfVersion: string;
}

/** @param schema of the mirror tables. @param table its logical name. */
export function historyPlace(schema: string, table: string): HistoryPlace {
  const place = historySchema(schema);
  const named = (suffix: string): string => qualifiedName(place, shortenIdentifier(`${table}${suffix}`));
  return {
    schema: place,
    identifier: shortenIdentifier(table),
    records: named(''),
    asOf: named('_as_of'),
    asOfVersion: named('_as_of_version'),
  };
}
