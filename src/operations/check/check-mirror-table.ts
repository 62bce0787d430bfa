import type pg from 'pg';
import { APPLY_ALL } from '../../mirror/table/drift.ts';
import { findRefusingReference, lacksReplicaIdentity } from '../../mirror/table/hazards.ts';
import { planMirrorTable } from '../../mirror/table/mirror-schema.ts';
import { mirrorTable } from '../../mirror/table/mirror-table.ts';
import { transaction } from '../../mirror/connection/postgres.ts';
import { dropOrCascade } from '../../mirror/connection/sqlstate.ts';
import { readEnvironmentRecord } from '../../mirror/environment/environments.ts';
import { openStateStore, type StateStore } from '../../mirror/state/store.ts';
import { Failure } from '../../model/failure.ts';
import type { Table } from '../../model/table.ts';
import { bad, failed, type Finding } from './finding.ts';

/** Where the mirror tables are, or where they will be made. */
export interface CheckedMirror {
  readonly pool: () => Promise<pg.Pool>;
  readonly schema: string;
  readonly stateSchema: string;
}

/**
 * Finds what prevents a run from making or changing a mirror table, such as a table of somebody else under
 * its name.
 *
 * @param table the selected columns, out of those of `definition`.
 * @returns nothing if a run can do it, or if the database does not answer, which has a finding of its own.
 */
export async function checkMirrorTable(
  { pool: open, schema, stateSchema }: CheckedMirror,
  table: Table,
  definition: Table,
): Promise<Finding[]> {
  const pool = await reached(open);
  if (pool === undefined) return [];
  try {
    const store = await findStore(pool, schema, stateSchema);
    const mirror = mirrorTable(table, schema, false);
    const { reference, unidentified } = await transaction(pool, async (client) => {
      await planMirrorTable(client, store, mirror, { definition, policy: APPLY_ALL });
      return {
        reference: await findRefusingReference(client, mirror),
        unidentified: await lacksReplicaIdentity(client, mirror),
      };
    });
    const id = `table.${table.logicalName}`;
    const subject = `table ${table.logicalName}`;
    const findings: Finding[] = [];
    if (reference !== undefined) {
      const { name, table: other } = reference;
      const message = `PostgreSQL may refuse deletes: the foreign key ${name} of ${other} refers to the mirror table`;
      findings.push(bad(`${id}.references`, subject, message, dropOrCascade(other, name), 'foreign-key'));
    }
    if (unidentified) {
      const message = `PostgreSQL refuses changes of the mirror table: it is in a publication, and somebody removed its replica identity`;
      const remedy = `Run ALTER TABLE ${mirror.qualified} REPLICA IDENTITY ${mirror.partitionField === undefined ? 'DEFAULT' : 'FULL'}; or remove the mirror table from the publication.`;
      findings.push(bad(`${id}.identity`, subject, message, remedy, 'replica-identity'));
    }
    return findings;
  } catch (error) {
    if (!(error instanceof Failure) || error.reaction !== 'stop-table') return [];
    const { logicalName: name } = table;
    return [failed(`table.${name}.mirror`, `table ${name}`, error)];
  }
}

/** @returns undefined if the database does not let mirrorverse in: it may not exist, or the password is wrong. */
async function reached(open: () => Promise<pg.Pool>): Promise<pg.Pool | undefined> {
  try {
    const pool = await open();
    await transaction(pool, async () => undefined);
    return pool;
  } catch {
    return undefined;
  }
}

/** @returns undefined if there is no state yet, or if the state has another version. */
async function findStore(
  pool: pg.Pool,
  schema: string,
  stateSchema: string,
): Promise<StateStore | undefined> {
  try {
    const environment = await readEnvironmentRecord(pool, stateSchema, schema);
    return environment && openStateStore(pool, stateSchema, environment.id);
  } catch {
    return undefined;
  }
}
