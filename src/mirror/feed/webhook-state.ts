import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { statement, transaction } from '../connection/postgres.ts';
import { qualifiedName } from '../table/identifier.ts';
import { CONSUMER_STATES } from './consumer-functions.ts';
import { LETTERS } from './dead-letters.ts';
import { readMarkers, readNextChanges, startAtEnd, type BatchSource } from './webhook-batch.ts';

/** A webhook of one environment, as one process delivers to it. */
export interface WebhookPlace extends BatchSource {
  readonly pool: pg.Pool;
  readonly endpoint: string;
  /** The name of this process. */
  readonly holder: string;
}

/** Where the delivery stands. */
export interface WebhookState {
  readonly isStopped: boolean;
  /** The receiver has to take its tables anew before it gets changes. */
  readonly reload: boolean;
  /** The batch that was begun and is not delivered yet. */
  readonly batch: BegunBatch | null;
  /** A dead letter that somebody wants to have sent once more. */
  readonly letter: string | null;
}

export interface BegunBatch {
  readonly id: string;
  readonly through: string | null;
  /** Tries that have failed. */
  readonly attempts: number;
  /** Milliseconds since it was begun. */
  readonly age: number;
  /** Milliseconds until the next try. */
  readonly rest: number;
}

/** Changes for one call. */
export interface Batch {
  /** The same for each try. */
  readonly id: string;
  readonly begunAt: string;
  /** JSON, with commas between the changes. */
  readonly changes: string;
  readonly through: string | null;
  /** The number of the dead letter that these changes are; null for changes of the log. */
  readonly letter: string | null;
  readonly isReload: boolean;
}

/** What became of a try. `failed`: it is tried again after so many milliseconds. `dead`: it is not tried again. */
export type Settlement =
  | { readonly kind: 'delivered' | 'gone' }
  | { readonly kind: 'dead'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly rest: number };

/** The webhook's row, while this process may deliver. */
const HELD = 'environment_id = $1 AND endpoint = $2 AND holder = $3';
const NO_BATCH =
  'batch_id = NULL, batch_through = NULL, batch_begun_at = NULL, attempts = 0, next_attempt_at = NULL';
const BEGIN =
  'batch_id = $4, batch_through = $5, batch_begun_at = clock_timestamp(), attempts = 0, next_attempt_at = NULL';

function names({ stateSchema }: Pick<WebhookPlace, 'stateSchema'>) {
  const state = (name: string): string => qualifiedName(stateSchema, name);
  return { webhooks: state('webhooks'), letters: state(LETTERS), ack: state('ack') };
}

const holderOf = ({ environmentId, endpoint, holder }: WebhookPlace) => [environmentId, endpoint, holder];

/**
 * Takes or keeps the right to deliver, by the clock of the database. Only one process has it, so the changes keep their
 * order. A new webhook begins at the end of the log.
 *
 * @param duration milliseconds until another process may deliver.
 * @returns null if another process delivers.
 * @throws Failure
 */
export async function claimWebhook(
  place: WebhookPlace,
  duration: number,
  signal: AbortSignal,
): Promise<WebhookState | null> {
  const { webhooks, letters } = names(place);
  return transaction(
    place.pool,
    async (client) => {
      const made = await client.query(
        `INSERT INTO ${webhooks} (environment_id, endpoint) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
        [place.environmentId, place.endpoint],
      );
      if ((made.rowCount ?? 0) > 0) await startAtEnd(client, place);
      const { rows } = await client.query<Omit<WebhookState, 'batch'> & { batch: BegunBatch }>(
        `UPDATE ${webhooks} w SET holder = $3, lease_expires_at = clock_timestamp() + make_interval(secs => $4)
        WHERE environment_id = $1 AND endpoint = $2
          AND (holder IS NULL OR holder = $3 OR lease_expires_at < clock_timestamp())
        RETURNING stopped_at IS NOT NULL AS "isStopped", reload,
          json_build_object('id', batch_id, 'through', batch_through::text, 'attempts', attempts,
            'age', extract(epoch FROM clock_timestamp() - batch_begun_at) * 1000,
            'rest', greatest(0, coalesce(extract(epoch FROM next_attempt_at - clock_timestamp()) * 1000, 0))) AS batch,
          (SELECT d.id::text FROM ${letters} d WHERE d.environment_id = w.environment_id AND d.endpoint = w.endpoint
              AND d.retry_asked_at IS NOT NULL ORDER BY d.id LIMIT 1) AS letter`,
        [...holderOf(place), duration / 1000],
      );
      const [found] = rows;
      if (found === undefined) return null;
      return { ...found, batch: (found.batch.id as string | null) === null ? null : found.batch };
    },
    signal,
  );
}

/** Lets another process deliver at once. @throws what `pg` throws, after some seconds if the database says nothing. */
export async function releaseWebhook(place: WebhookPlace): Promise<void> {
  const { webhooks } = names(place);
  await statement(place.pool, {
    text: `UPDATE ${webhooks} SET holder = NULL, lease_expires_at = NULL WHERE ${HELD}`,
    values: holderOf(place),
  });
}

/**
 * The next batch, recorded before it is sent: if the process ends in the middle of a try, the next try has the same id.
 * The changes are read anew for each try, so a row that was erased meanwhile is not sent.
 *
 * @returns `none`: there is nothing to send. `skipped`: all changes that were looked at are of other tables. `left-behind`:
 *   the log no longer has what the receiver lacks, so the next batch tells the receiver to take its tables anew. `lost`:
 *   another process delivers now.
 * @throws Failure
 */
export async function nextBatch(
  place: WebhookPlace,
  state: WebhookState,
  signal: AbortSignal,
): Promise<Batch | 'none' | 'skipped' | 'left-behind' | 'lost'> {
  const { webhooks, ack } = names(place);
  try {
    return await transaction(
      place.pool,
      async (client) => {
        if (state.letter !== null) return readLetter(client, place, state.letter);
        const read = state.reload
          ? { changes: await readMarkers(client, place), through: null }
          : await readNextChanges(client, place, state.batch?.through ?? null);
        if (read.changes === '') {
          if (!state.reload && read.through === null) return 'none';
          const done = await client.query(
            `UPDATE ${webhooks} SET reload = false, ${NO_BATCH} WHERE ${HELD}`,
            [...holderOf(place)],
          );
          if (done.rowCount === 0) return 'lost';
          if (read.through !== null)
            await client.query(`SELECT ${ack}($1, $2)`, [place.consumer, read.through]);
          return 'skipped';
        }
        const isSame = state.batch !== null && state.batch.through === read.through;
        const id = `msg_${randomUUID().replaceAll('-', '')}`;
        const { rows } = await client.query<Pick<Batch, 'id' | 'begunAt'>>(
          isSame
            ? `SELECT batch_id AS id, ${isoTime('batch_begun_at')} AS "begunAt" FROM ${webhooks} WHERE ${HELD}`
            : `UPDATE ${webhooks} SET ${BEGIN} WHERE ${HELD} RETURNING batch_id AS id, ${isoTime('batch_begun_at')} AS "begunAt"`,
          isSame ? holderOf(place) : [...holderOf(place), id, read.through],
        );
        const [begun] = rows;
        return begun === undefined ? 'lost' : { ...begun, ...read, letter: null, isReload: state.reload };
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof Failure) || error.details['sqlstate'] !== CONSUMER_STATES.leftBehind) throw error;
  }
  return transaction(
    place.pool,
    async (client) => {
      const { rowCount } = await client.query(
        `UPDATE ${webhooks} SET reload = true, ${NO_BATCH} WHERE ${HELD}`,
        holderOf(place),
      );
      if (rowCount === 0) return 'lost';
      await startAtEnd(client, place);
      return 'left-behind';
    },
    signal,
  );
}

/** SQL: a time as texts have it. */
function isoTime(time: string): string {
  return `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

async function readLetter(
  client: pg.ClientBase,
  place: WebhookPlace,
  letter: string,
): Promise<Batch | 'none'> {
  const { letters } = names(place);
  const { rows } = await client.query<Pick<Batch, 'id' | 'begunAt' | 'changes'>>(
    `SELECT webhook_id AS id, ${isoTime('begun_at')} AS "begunAt",
            (SELECT string_agg(c.change::text, ',' ORDER BY c.at) FROM jsonb_array_elements(changes) WITH ORDINALITY AS c (change, at)) AS changes
       FROM ${letters} WHERE id = $1`,
    [letter],
  );
  const [found] = rows;
  return found === undefined ? 'none' : { ...found, through: null, letter, isReload: false };
}

/** Records what became of a try. @returns false, without effect, if another process delivers now. @throws Failure */
export async function settleBatch(place: WebhookPlace, batch: Batch, settled: Settlement): Promise<boolean> {
  const { webhooks, letters, ack } = names(place);
  return transaction(place.pool, async (client) => {
    const update = async (set: string, ...more: readonly unknown[]): Promise<boolean> => {
      const { rowCount } = await client.query(`UPDATE ${webhooks} SET ${set} WHERE ${HELD}`, [
        ...holderOf(place),
        ...more,
      ]);
      return (rowCount ?? 0) > 0;
    };
    if (settled.kind === 'gone') return update('stopped_at = clock_timestamp(), reason = $4', 'status 410');
    if (batch.letter !== null) return settleLetter(client, place, batch.letter, settled, update);
    if (settled.kind === 'failed') {
      const next = `attempts = attempts + 1, reason = $4, next_attempt_at = clock_timestamp() + make_interval(secs => $5)`;
      return update(next, settled.reason, settled.rest / 1000);
    }
    if (settled.kind === 'dead') {
      await client.query(
        `INSERT INTO ${letters} (environment_id, endpoint, webhook_id, changes, reason, attempts, begun_at, failed_at)
         SELECT environment_id, endpoint, batch_id, $4::jsonb, $5, attempts + 1, batch_begun_at, clock_timestamp()
           FROM ${webhooks} WHERE ${HELD}`,
        [...holderOf(place), `[${batch.changes}]`, settled.reason],
      );
    }
    const success =
      settled.kind === 'delivered' ? ', reason = NULL, last_success_at = clock_timestamp()' : '';
    if (!(await update(`reload = false, ${NO_BATCH}${success}`))) return false;
    if (batch.through !== null) await client.query(`SELECT ${ack}($1, $2)`, [place.consumer, batch.through]);
    return true;
  });
}

/** A dead letter gets one try each time that somebody asks for it. */
async function settleLetter(
  client: pg.ClientBase,
  place: WebhookPlace,
  letter: string,
  settled: Settlement,
  update: (set: string) => Promise<boolean>,
): Promise<boolean> {
  const { letters } = names(place);
  if (settled.kind === 'delivered') {
    await client.query(`DELETE FROM ${letters} WHERE id = $1`, [letter]);
    return update('last_success_at = clock_timestamp()');
  }
  const reason = 'reason' in settled ? settled.reason : '';
  await client.query(
    `UPDATE ${letters} SET retry_asked_at = NULL, attempts = attempts + 1, reason = $2 WHERE id = $1`,
    [letter, reason],
  );
  return update('holder = holder');
}

/** How a webhook fares. */
export interface WebhookFacts {
  readonly webhook: string;
  readonly lastSuccessAt: Date | null;
  /** Since when the batch under way is refused; null where none is. */
  readonly failingSince: Date | null;
  /** Why the last try failed: a status, or the code of a broken connection. */
  readonly reason: string | null;
  readonly stoppedAt: Date | null;
  readonly deadLetters: number;
}

/** How all webhooks of an environment fare, also those that are no longer configured. @throws Failure */
export async function readWebhooks(
  pool: pg.Pool,
  stateSchema: string,
  environmentId: number,
): Promise<readonly WebhookFacts[]> {
  const { webhooks, letters } = names({ stateSchema });
  return transaction(pool, async (client) => {
    const { rows } = await client.query<WebhookFacts>(
      `SELECT w.endpoint AS webhook, w.last_success_at AS "lastSuccessAt", w.reason, w.stopped_at AS "stoppedAt",
              CASE WHEN w.attempts > 0 THEN w.batch_begun_at END AS "failingSince",
              (SELECT count(*)::int FROM ${letters} d WHERE d.environment_id = w.environment_id AND d.endpoint = w.endpoint) AS "deadLetters"
         FROM ${webhooks} w WHERE w.environment_id = $1 ORDER BY w.endpoint`,
      [environmentId],
    );
    return rows;
  });
}
