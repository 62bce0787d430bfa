import { z } from 'zod';
import { Failure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';
import { unexpectedAnswer } from '../http/answer-failure.ts';
import type { DataverseClient, RepeatableWrite } from '../http/client.ts';

/** A whole definition. Its other members are sent back unchanged. */
const wholeDefinition = z.looseObject({
  LogicalName: z.string(),
  ChangeTrackingEnabled: z.boolean().nullish(),
});
const trackingFlag = z.object({ ChangeTrackingEnabled: z.boolean().nullish() });

/** Milliseconds between two checks whether the change is in force. Some caches need time. */
const WAITS = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000];

/**
 * Turns a table's change tracking on: puts its definition with the changed flag, publishes the table, and
 * waits until the environment says that change tracking is on.
 *
 * A PUT replaces the whole definition, so the whole definition is read first, past the caches (Microsoft,
 * "Create and update table definitions using the Web API" and "PublishXml Action").
 *
 * @returns false if change tracking was on already; nothing is changed then.
 * @throws Failure `customize-privilege-missing`, `tracking-not-on-yet`, and failures of the requests.
 */
export async function turnOnTracking(
  client: DataverseClient,
  table: string,
  signal: AbortSignal,
  waits: readonly number[] = WAITS,
): Promise<boolean> {
  const url = `EntityDefinitions(LogicalName='${encodeURIComponent(table)}')`;
  const about = { url, table, priority: 'metadata', consistency: 'Strong' } as const;
  const definition = await read(client, about, wholeDefinition, signal);
  if (definition.ChangeTrackingEnabled === true) return false;
  const body = { ...definition, ChangeTrackingEnabled: true };
  await customize(client, { ...about, method: 'PUT', body, mergeLabels: true }, signal);
  const xml = `<importexportxml><entities><entity>${table}</entity></entities></importexportxml>`;
  const publication = { url: 'PublishXml', method: 'POST', body: { ParameterXml: xml } } as const;
  await customize(client, { ...publication, table, priority: 'metadata' }, signal);
  const flag = { ...about, url: `${url}?$select=ChangeTrackingEnabled` };
  for (const wait of [0, ...waits]) {
    await sleep(wait, signal);
    if ((await read(client, flag, trackingFlag, signal)).ChangeTrackingEnabled === true) return true;
  }
  throw new Failure({
    code: 'tracking-not-on-yet',
    message: `Change tracking of table ${table} was turned on and published, but is not in force yet.`,
    remedy: `Run \`mirrorverse track ${table}\` again in a few minutes.`,
    details: { table },
  });
}

async function read<T>(
  client: DataverseClient,
  request: Parameters<DataverseClient['get']>[0],
  shape: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const parsed = shape.safeParse(await client.getJson(request, signal));
  if (parsed.success) return parsed.data;
  throw unexpectedAnswer(request, new Headers(), parsed.error);
}

/** @throws Failure `customize-privilege-missing` in place of `privilege-missing`. */
async function customize(
  client: DataverseClient,
  write: RepeatableWrite,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.write(write, signal);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'privilege-missing') throw error;
    throw new Failure({
      code: 'customize-privilege-missing',
      message: `The signed-in identity may not customize table ${write.table}.`,
      cause: error,
      details: error.details,
    });
  }
}
