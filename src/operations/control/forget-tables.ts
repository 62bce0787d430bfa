import { forgetTables, type ForgottenTable } from '../../mirror/control/forget-table.ts';
import type { MirrorDatabase } from '../../mirror/database.ts';
import { createLabelStore, type LabelWishes } from '../../mirror/labels/label-store.ts';
import { findState } from '../../mirror/state/environments.ts';
import { readKnownTables } from '../../mirror/state/known-tables.ts';
import { Failure } from '../../model/failure.ts';
import { isPattern } from '../../model/name-pattern.ts';
import type { TableChoice, TableEntry } from '../../sync/tables/table-resolution.ts';
import { isConfigured } from '../../sync/tables/left-tables.ts';
import { meantTables, unknownAmong } from './control-table.ts';

export interface ForgetOptions {
  /** The configured tables. */
  readonly choice: TableChoice<TableEntry>;
  /** Also drop the mirror tables. */
  readonly drop: boolean;
  /** Labels and views that are wanted; undefined, there are none. */
  readonly labels: LabelWishes | undefined;
}

/**
 * Removes what is kept of tables that are no longer configured, all of them or none.
 *
 * @param words names or patterns.
 * @throws Failure `table-configured` for a table that the configuration means, `table-not-known`, and those of
 *   `forgetTables`.
 */
export async function forget(
  database: MirrorDatabase,
  words: readonly string[],
  { choice, drop, labels }: ForgetOptions,
): Promise<readonly ForgottenTable[]> {
  const state = await findState(database);
  const named = choice.entries.map(({ name }) => name).filter((name) => !isPattern(name));
  if (state === undefined) throw unknownAmong(words[0] ?? '', named);
  const { store, environment } = state;
  const meant = meantTables(await readKnownTables(store), words, named);
  const configured = meant.find((table) => isConfigured(choice, table));
  if (configured !== undefined) throw stillConfigured(choice, configured.table);
  const names = meant.map(({ table }) => table);
  const { tables, viewsDue } = await forgetTables(database, store, names, drop);
  if (viewsDue.length > 0 && labels !== undefined) {
    const { pool, schema } = database;
    await createLabelStore(pool, store, schema, labels, () => environment).refreshViews(viewsDue);
  }
  return tables;
}

function stillConfigured({ entries }: TableChoice<TableEntry>, table: string): Failure {
  const isNamed = entries.some(({ name }) => name === table);
  return new Failure({
    code: 'table-configured',
    message: isNamed
      ? `Table ${table} is configured. Nothing was forgotten.`
      : `A pattern in \`tables\` means table ${table}. Nothing was forgotten.`,
    remedy: isNamed
      ? `Remove ${table} from \`tables\` first.`
      : `Leave it out first: add '!${table}' to \`tables\`.`,
    details: { table },
  });
}
