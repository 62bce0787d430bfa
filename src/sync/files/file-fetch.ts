import type { DataverseClient } from '../../dataverse/http/client.ts';
import { downloadBody } from '../../dataverse/files/file-download.ts';
import { fileFailed, fileStored, type WaitingFile } from '../../mirror/files/file-queue.ts';
import type { FileWork } from '../../mirror/files/file-queue.ts';
import { bodyUnused } from '../../mirror/files/unused-bodies.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import { Failure } from '../../model/failure.ts';
import { backOff } from '../../timing/back-off.ts';
import type { Places } from '../../timing/places.ts';
import type { FileTable } from './file-tables.ts';
import type { FileTurn } from './file-turn-keeper.ts';
import type { BodyStore } from './store/body-store.ts';
import { Spool } from './store/spool.ts';

export interface FetchParts {
  readonly work: FileWork;
  readonly client: DataverseClient;
  readonly store: BodyStore;
  /** One at a time finds a body in the store, stores it, or removes it. */
  readonly storing: Places;
  /** Does the work of a request, within its share of the limits. */
  readonly around: <T>(table: string, work: () => Promise<T>) => Promise<T>;
}

/** What became of a body. `failed`: the environment refuses this body, and others go on. */
export type FetchResult = 'stored' | 'dropped' | { readonly failed: Failure };

/** Failures that are about one body. */
const OF_BODY: ReadonlySet<FailureCode> = new Set([
  'file-missing',
  'file-not-whole',
  'privilege-missing',
  'request-refused',
  'unexpected-answer',
  // The answers about one body may be errors again and again.
  'source-unavailable',
]);
const MINUTE = 60_000;
/** After trouble that may pass soon. */
const SOON = { first: MINUTE, longest: 60 * MINUTE };
/** After a refusal. */
const LATER = { first: 60 * MINUTE, longest: 24 * 60 * MINUTE };

/**
 * Fetches a body, stores it under its hash, and records where it lies. A body that is stored already, also by an earlier
 * process that ended before it could record that, is not stored again.
 *
 * @throws Failure of another kind than that of a body; TurnLost; the signal's reason when aborted.
 */
export async function fetchFile(
  parts: FetchParts,
  { mirror, columnsByName }: FileTable,
  file: WaitingFile,
  turn: FileTurn,
): Promise<FetchResult> {
  const { work, client, store } = parts;
  const { table, key, column, fileId } = file;
  const kind = columnsByName.get(column)?.kind;
  if (kind === undefined) return 'dropped';
  const { entitySet } = mirror.table;
  try {
    if (await isMoved(parts, file, turn)) return 'stored';
    await using spool = await Spool.open(store.spoolFolder);
    const facts = await downloadBody(
      client,
      { table, entitySet, key, column, kind, identity: fileId },
      spool,
      async (request) => parts.around(table, request),
      turn.signal,
    );
    const body = await spool.finish();
    return await parts.storing.hold(turn.signal, async () => {
      turn.assertHeld();
      const { sha256, bytes } = body;
      if (!(await store.has(sha256, bytes, turn.signal))) await store.put(body, turn.signal);
      const location = store.location(sha256);
      const { fileName, mimeType } = facts;
      if (await fileStored(work, file, { sha256, bytes, location, fileName, mimeType })) return 'stored';
      // The row has gone meanwhile.
      await bodyUnused(work, { sha256, location });
      return 'dropped';
    });
  } catch (error) {
    turn.signal.throwIfAborted();
    if (!(error instanceof Failure) || !OF_BODY.has(error.code)) throw error;
    const isPassing = error.code === 'source-unavailable' || error.code === 'file-not-whole';
    const rest = backOff(isPassing ? SOON : LATER, file.attempts + 1, Math.random());
    await fileFailed(work, file, error, rest);
    return { failed: error };
  }
}

/** Whether a body that lay elsewhere is in the place that is configured now: somebody may have copied all bodies. */
async function isMoved(
  { work, store, storing }: FetchParts,
  file: WaitingFile,
  turn: FileTurn,
): Promise<boolean> {
  const { sha256, bytes } = file;
  if (sha256 === null || bytes === null) return false;
  return storing.hold(turn.signal, async () => {
    if (!(await store.has(sha256, bytes, turn.signal))) return false;
    const location = store.location(sha256);
    return fileStored(work, file, { sha256, bytes, location, fileName: undefined, mimeType: undefined });
  });
}
