import { transaction } from '../connection/postgres.ts';
import { ensureStateView } from '../control/state-view.ts';
import type { MirrorDatabase } from '../database.ts';
import { qualifiedName, quoteLiteral } from '../table/identifier.ts';

/** Where the body of each file lies. No Dataverse name begins with an underscore. */
const FILES = '_file';

const PURPOSE = 'Where the bodies of files and images lie. mirrorverse made this view.';

/**
 * Makes the view in the mirror schema, which must be there. It has names of files, which are values of rows, so a reader
 * needs a grant for it as for a mirror table. @throws Failure
 */
export async function ensureFileView({
  pool,
  schema,
  stateSchema,
}: Pick<MirrorDatabase, 'pool' | 'schema' | 'stateSchema'>): Promise<void> {
  const text = `SELECT f."table", f.key, f."column", f.sha256, f.bytes, f.location, f.file_name, f.mime_type, f.file_id,
       f.fetched_at, f.deleted_at
  FROM ${qualifiedName(stateSchema, 'files')} f JOIN ${qualifiedName(stateSchema, 'environments')} e ON e.id = f.environment_id
 WHERE e.mirror_schema = ${quoteLiteral(schema)} AND f.sha256 IS NOT NULL`;
  const view = { schema, name: FILES, purpose: PURPOSE, text };
  await transaction(pool, async (client) => ensureStateView(client, view));
}
