import type { SourceTable } from '../source/table.ts';
import type { Source } from '../source/start.ts';
import { runCommand, type CommandRun, type CommandSurroundings } from './mirror-command.ts';
import { FLOOR_SCHEMA, type Workbench } from './workbench.ts';

/** The one table of measurements that need no more. */
export const TABLE = 'account';

export function surroundingsOf(
  workbench: Workbench,
  source: Source,
  tables: readonly SourceTable[],
): CommandSurroundings {
  return { origin: source.origin, url: workbench.url, tables: tables.map(({ name }) => name) };
}

/** Loads tables into an empty mirror. @throws Error when it does not have every row. */
export async function loadMirror(
  workbench: Workbench,
  source: Source,
  tables: readonly SourceTable[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandRun> {
  await workbench.clear();
  await workbench.settle();
  const run = await runCommand(['backfill'], surroundingsOf(workbench, source, tables), environment);
  for (const { name, rows } of tables) {
    const [counted] = await workbench.query(`SELECT count(*)::int AS rows FROM dataverse.${name}`);
    if (counted?.['rows'] !== rows) throw new Error(`The mirror does not have every row of ${name}.`);
  }
  return run;
}

/** An empty table like the mirror's, for a floor. @returns its name. */
export async function floorTable(workbench: Workbench, table: string): Promise<string> {
  const name = `${FLOOR_SCHEMA}.${table}`;
  await workbench.query(`CREATE TABLE ${name} (LIKE dataverse.${table} INCLUDING ALL)`);
  // Storage parameters are the one thing that LIKE leaves out.
  const [storage] = await workbench.query(
    `SELECT array_to_string(reloptions, ', ') AS options FROM pg_class WHERE oid = 'dataverse.${table}'::regclass`,
  );
  if (typeof storage?.['options'] === 'string')
    await workbench.query(`ALTER TABLE ${name} SET (${storage['options']})`);
  return name;
}
