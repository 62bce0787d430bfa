import type pg from 'pg';
import type { RowId } from '../../model/page.ts';
import { assertDeleted } from '../page/swallowed-rows.ts';
import { deleteByKey, isGiven, keyColumns, keyParameters } from '../page/merge-sql.ts';
import type { StateStore } from '../state/store.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { columnName, MIRRORED_AT, type MirrorTable } from '../table/mirror-table.ts';

/** Rows to repair, beside those that are stored anew. */
export interface Corrections {
  /** Rows that the source does not have: deleted, or marked, by the table's policy. */
  readonly extra: readonly RowId[];
  /** Rows whose version may be one that the source never had. The source's row would be refused as an older one. */
  readonly stale: readonly RowId[];
  /** The row version that the mirror has reached. Higher ones are impossible. Null where that is not known. */
  readonly reached: bigint | null;
}

/** Deletes extra rows and clears impossible versions, in the client's transaction. @throws Failure `rows-swallowed` */
export async function correct(
  client: pg.ClientBase,
  store: StateStore,
  mirror: MirrorTable,
  { extra, stale, reached }: Corrections,
): Promise<void> {
  if (extra.length > 0) {
    await client.query(deleteByKey(mirror), keyParameters(mirror, extra));
    await assertDeleted(client, mirror, extra);
  }
  if (stale.length > 0 && mirror.versionField !== undefined) {
    const version = columnName(mirror, mirror.versionField);
    const [key, partition] = keyColumns(mirror);
    const text = `m.${key}::text${partition === undefined ? '' : ` || coalesce(',' || m.${partition}, '')`}`;
    // The row that a verification has confirmed to differ, and no newer one that a delta has brought since.
    const isConfirmed = `EXISTS (SELECT FROM ${qualifiedName(store.schema, 'differences')} d
      WHERE d.environment_id = ${store.environmentId} AND d."table" = ${quoteLiteral(mirror.table.logicalName)}
        AND d.key = ${text} AND d.confirmed_at >= m.${quoteIdentifier(MIRRORED_AT)})`;
    const isImpossible = reached === null ? 'false' : `m.${version} > ${reached}::bigint`;
    await client.query(
      `UPDATE ${mirror.qualified} AS m SET ${version} = NULL WHERE ${isGiven(mirror)} AND (${isImpossible} OR ${isConfirmed})`,
      keyParameters(mirror, stale),
    );
  }
}
