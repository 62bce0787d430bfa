import { findState } from '../../mirror/state/environments.ts';
import { isReachable, type MirrorDatabase } from '../../mirror/database.ts';
import { findRefusalsToCome } from '../../mirror/table/mirror-preview.ts';
import { mirrorTable } from '../../mirror/table/mirror-table.ts';
import { Failure } from '../../model/failure.ts';
import type { Table } from '../../model/table.ts';
import { bad, failed, type Finding } from './finding.ts';

/**
 * Finds what prevents a run from making or changing a mirror table, such as a table of somebody else under its name.
 *
 * @param database undefined if it cannot be reached, which has a finding of its own.
 * @param table the selected columns, out of those of `definition`.
 * @returns nothing if a run can do it, or if the database does not answer.
 */
export async function checkMirrorTable(
  database: MirrorDatabase | undefined,
  table: Table,
  definition: Table,
): Promise<Finding[]> {
  if (database === undefined || !(await isReachable(database))) return [];
  // There may be no state yet, or one of another version.
  const state = await findState(database).catch(() => undefined);
  const mirror = mirrorTable(table, database.schema, false);
  const id = `table.${table.logicalName}`;
  const subject = `table ${table.logicalName}`;
  try {
    const { reference, lacksIdentity } = await findRefusalsToCome(database, state?.store, mirror, definition);
    const findings: Finding[] = [];
    if (reference !== undefined) {
      const { name, table: other, remedy } = reference;
      const message = `PostgreSQL may refuse deletes: the foreign key ${name} of ${other} refers to the mirror table`;
      findings.push(bad(`${id}.references`, subject, message, remedy, 'foreign-key'));
    }
    if (lacksIdentity) {
      const message = `PostgreSQL refuses changes of the mirror table: it is in a publication, and somebody removed its replica identity`;
      const remedy = `Run ALTER TABLE ${mirror.qualified} REPLICA IDENTITY ${mirror.partitionField === undefined ? 'DEFAULT' : 'FULL'}; or remove the mirror table from the publication.`;
      findings.push(bad(`${id}.identity`, subject, message, remedy, 'replica-identity'));
    }
    return findings;
  } catch (error) {
    if (!(error instanceof Failure) || error.reaction !== 'stop-table') return [];
    return [failed(`${id}.mirror`, subject, error)];
  }
}
