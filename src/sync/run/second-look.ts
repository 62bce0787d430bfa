import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { explainRefusal, isRefused } from '../../dataverse/feed/refused-columns.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import { readCheckpoint, type Taken } from '../../mirror/lease/leases.ts';
import { NEW_CHECKPOINT, type Checkpoint } from '../../model/checkpoint.ts';
import { Failure } from '../../model/failure.ts';
import { selectionOf } from '../../model/table.ts';
import type { TablePreparation } from '../tables/table-preparation.ts';

export interface SecondLookParts {
  readonly table: string;
  readonly mirror: Mirror;
  readonly dataverse: Dataverse;
  readonly preparation: TablePreparation;
  /** Its changes are followed. */
  readonly tracked: boolean;
  readonly logger: Logger;
}

/** Codes of what another look at the mirror table may mend. */
const LOOK_AGAIN: ReadonlySet<string> = new Set([
  'statement-failed',
  'definition-outdated',
  'mirror-replaced',
]);

/** One attempt at bringing the table up to date from a checkpoint. */
type Attempt = (checkpoint: Checkpoint) => Promise<boolean>;

/**
 * Makes an attempt and, where it fails because the table is no longer what this process believes,
 * another one after a second look: at the mirror table, which may have been changed by hand; at the
 * metadata, which may have changed under a link that names its columns; at the link itself.
 *
 * @throws Failure of the last attempt.
 */
export async function withSecondLook(
  parts: SecondLookParts,
  taken: Taken,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await lookTwice(parts, taken, attempt, signal);
  } catch (error) {
    throw await explained(parts, error, signal);
  }
}

/** A refusal that lasts may be due to a column. */
async function explained(parts: SecondLookParts, error: unknown, signal: AbortSignal): Promise<unknown> {
  const { dataverse, preparation, tracked } = parts;
  const { table } = preparation;
  return table === undefined ? error : explainRefusal(dataverse.client, table, tracked, error, signal);
}

async function lookTwice(
  parts: SecondLookParts,
  taken: Taken,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await attempt(taken.checkpoint);
  } catch (error) {
    const { preparation, logger } = parts;
    if (!(error instanceof Failure)) throw error;
    const isMisfit = error.code === 'too-many-bad-rows' && preparation.isOutdated;
    if (isMisfit || LOOK_AGAIN.has(error.code)) {
      preparation.forget();
      return attempt(await storedCheckpoint(parts));
    }
    if (!isRefused(error)) throw error;
    const { table } = preparation;
    // The metadata have been read anew since, and have the column still.
    if (table !== undefined && parts.dataverse.client.refusedColumns.of(table).length > 0) throw error;
    if (await hasChangedMeanwhile(parts, taken, signal)) {
      logger.info('The table has changed at the source; it is re-baselined.');
      return attempt({ ...(await storedCheckpoint(parts)), selection: null });
    }
    if (!isAboutLink(error)) throw error;
    return overRefusedLink(parts, attempt);
  }
}

/**
 * Follows a link once more that was refused with a code nobody knows. When it is refused again it is of
 * no use, whatever the code means, and the table is loaded anew.
 */
async function overRefusedLink(parts: SecondLookParts, attempt: Attempt): Promise<boolean> {
  try {
    return await attempt(await storedCheckpoint(parts));
  } catch (error) {
    if (!isAboutLink(error)) throw error;
    const { errorCode, status } = error.details;
    parts.logger.warn({ errorCode, status }, "The table's link is refused for good; it is re-baselined.");
    return attempt({ ...(await storedCheckpoint(parts)), selection: null });
  }
}

function isAboutLink(error: unknown): error is Failure {
  if (!(error instanceof Failure) || error.code !== 'request-refused') return false;
  return error.details['status'] === 400 && error.details['link'] !== undefined;
}

/**
 * Whether a request may have been refused because the table is no longer what its metadata said: a link
 * keeps its selection, and one that names a column which is gone is refused like any other mistake.
 */
async function hasChangedMeanwhile(
  { table, dataverse: { metadata }, preparation }: SecondLookParts,
  { lease }: Taken,
  signal: AbortSignal,
): Promise<boolean> {
  // Of the attempt: the metadata may have been read anew since, when a page told of the change.
  const before = preparation.selection;
  metadata.forget(table);
  const { mirror, refills } = await preparation.make(lease, signal);
  return refills || (before !== undefined && before !== selectionOf(mirror.table));
}

/** Where the table's feed stands by now: the attempt may have stored pages. */
async function storedCheckpoint({ mirror, table }: SecondLookParts): Promise<Checkpoint> {
  return (await readCheckpoint(mirror.store, table)) ?? NEW_CHECKPOINT;
}
