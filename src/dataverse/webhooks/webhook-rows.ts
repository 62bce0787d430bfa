import { z } from 'zod';
import { Failure } from '../../model/failure.ts';
import { unexpectedAnswer } from '../http/answer-failure.ts';
import type { DataverseClient, RepeatableWrite } from '../http/client.ts';

/** How messages name what these requests are about. */
const ABOUT = 'the webhooks of the environment';

/** A request that changes a row of the tables below. */
export type WebhookWrite = Pick<RepeatableWrite, 'method' | 'url' | 'body'>;

/**
 * Reads rows of the tables that say which webhooks there are: `serviceendpoints`, `sdkmessages`, `sdkmessagefilters`,
 * `sdkmessageprocessingsteps`, `asyncoperations`. Pages are followed to the end.
 *
 * @throws Failure `nudge-privilege-missing`, and failures of the requests.
 */
export async function readRows<T>(
  client: DataverseClient,
  query: string,
  shape: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T[]> {
  const list = z.object({ value: z.array(shape), '@odata.nextLink': z.string().optional() });
  const rows: T[] = [];
  for (let url: string | undefined = query; url !== undefined;) {
    const request = { url, asked: ABOUT, priority: 'metadata' as const };
    const parsed = list.safeParse(await asAdministrator(async () => client.getJson(request, signal)));
    if (!parsed.success) throw unexpectedAnswer(request, new Headers(), parsed.error);
    rows.push(...parsed.data.value);
    url = parsed.data['@odata.nextLink'];
  }
  return rows;
}

/** The number of rows that fit; Dataverse counts to 5,000. @throws as {@link readRows} */
export async function countRows(
  client: DataverseClient,
  set: string,
  filter: string,
  signal: AbortSignal,
): Promise<number> {
  const request = {
    url: `${set}?$select=createdon&$filter=${encodeURIComponent(filter)}&$count=true&$top=1`,
    asked: ABOUT,
    priority: 'metadata' as const,
  };
  const answer = await asAdministrator(async () => client.getJson(request, signal));
  const parsed = z.object({ '@odata.count': z.int() }).safeParse(answer);
  if (!parsed.success) throw unexpectedAnswer(request, new Headers(), parsed.error);
  return parsed.data['@odata.count'];
}

/** Changes a row. A row that a repeated request has changed or deleted already is no failure. @throws as {@link readRows} */
export async function writeRow(
  client: DataverseClient,
  write: WebhookWrite,
  signal: AbortSignal,
): Promise<void> {
  try {
    await asAdministrator(async () => client.write({ ...write, asked: ABOUT, priority: 'metadata' }, signal));
  } catch (error) {
    if (!(error instanceof Failure) || !isDoneAlready(write, error)) throw error;
  }
}

/** 404 for a row that is gone, and 0x80040237 for a row of that id, which only a repeated request can have made. */
function isDoneAlready({ method }: WebhookWrite, { details }: Failure): boolean {
  if (method === 'DELETE') return details['status'] === 404;
  return method === 'POST' && details['errorCode'] === '0x80040237';
}

async function asAdministrator<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'privilege-missing') throw error;
    throw new Failure({
      code: 'nudge-privilege-missing',
      message: `The signed-in identity may not read or change ${ABOUT}.`,
      cause: error,
      details: error.details,
    });
  }
}
