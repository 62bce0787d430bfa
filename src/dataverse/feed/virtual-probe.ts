import type { FailureCode } from '../../model/failure-codes.ts';
import { Failure } from '../../model/failure.ts';
import type { Link } from '../../model/page.ts';
import { withKeysAlone, type Table } from '../../model/table.ts';
import type { DataverseClient } from '../http/client.ts';
import { readJson } from '../http/success.ts';
import { hasDeltaLink, hasNextLink } from '../page/page-envelope.ts';
import { createRowReader } from './row-reader.ts';

/** Rows of a page of keys. */
const KEYS = 5_000;
/** What the environment says of a request for the changes of a table that has none to give. */
const REFUSALS: ReadonlySet<FailureCode> = new Set(['change-tracking-off', 'request-refused']);

/**
 * Finds out whether a virtual table gives delta links, before a load of all its rows that would end without one.
 *
 * The first answer to a tracked read tells it in most cases: it has the delta link (a table of one row), or it says in
 * `Preference-Applied` that the tracking holds ("Use change tracking to synchronize data"). Where it says nothing, the
 * keys of all rows are read under tracking, because only the last page has the delta link.
 *
 * @throws Failure `virtual-untracked` if no delta link comes.
 */
export async function probeVirtual(
  client: DataverseClient,
  table: Table,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (await firstAnswerTells(client, table, signal)) return;
    if ((await lastLink(client, withKeysAlone(table), signal))?.kind === 'delta') return;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Failure) || !REFUSALS.has(error.code)) throw error;
    throw withoutLinks(table.logicalName, error);
  }
  throw withoutLinks(table.logicalName);
}

/** Whether one row under tracking comes with a delta link, or with the word that the tracking holds. */
async function firstAnswerTells(
  client: DataverseClient,
  { logicalName, entitySet, key }: Table,
  signal: AbortSignal,
): Promise<boolean> {
  const request = {
    url: `${entitySet}?$select=${key}`,
    prefer: ['odata.track-changes', 'odata.maxpagesize=1'],
    priority: 'baseline' as const,
    table: logicalName,
  };
  return client.get(request, signal, (answer) => {
    const body = readJson(answer) as Readonly<Record<string, unknown>>;
    const applied = answer.headers.get('preference-applied') ?? '';
    return hasDeltaLink(body) || (hasNextLink(body) && /\btrack-changes\b/i.test(applied));
  });
}

/** The link of the last page of a tracked read of keys; null if that page has none. */
async function lastLink(client: DataverseClient, keys: Table, signal: AbortSignal): Promise<Link | null> {
  const rows = createRowReader(client, keys, KEYS, { sizesOf: `${keys.logicalName}, keys` });
  let page = await rows.begin({ prefer: ['odata.track-changes'], bare: true }, signal);
  page.release?.();
  while (page.link?.kind === 'next') {
    page = await rows.follow(page.link, 'baseline', signal, { bare: true });
    page.release?.();
  }
  return page.link;
}

function withoutLinks(table: string, cause?: Failure): Failure {
  const { errorCode, status } = cause?.details ?? {};
  return new Failure({
    code: 'virtual-untracked',
    message: `Table ${table} is virtual, and it gives no delta link, although its change tracking is on.`,
    remedy: `Give ${table} \`mode: snapshot\`, or take it out of tables.`,
    cause,
    details: { table, errorCode, status },
  });
}
