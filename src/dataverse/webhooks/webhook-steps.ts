import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { DataverseClient } from '../http/client.ts';
import { countRows, readRows, writeRow } from './webhook-rows.ts';

/** The messages that tell of changed rows. */
export const MESSAGES = ['Create', 'Update', 'Delete'] as const;
export type Message = (typeof MESSAGES)[number];

/** The ids of a table's message filters. A message without one cannot be registered for the table. */
export type MessageFilters = ReadonlyMap<Message, string>;

/** A processing step: it posts each change of a table to an endpoint. */
export interface WebhookStep {
  readonly id: string;
  readonly name: string;
  readonly filterId: string | null;
  readonly isEnabled: boolean;
}

const messageRow = z.object({ sdkmessageid: z.guid(), name: z.string() });
const filterRow = z.object({
  sdkmessagefilterid: z.guid(),
  _sdkmessageid_value: z.guid().nullish(),
  iscustomprocessingstepallowed: z.boolean().nullish(),
});
const stepRow = z.object({
  sdkmessageprocessingstepid: z.guid(),
  name: z.string().nullish(),
  statecode: z.int().nullish(),
  _sdkmessagefilterid_value: z.guid().nullish(),
});

/** Reads the ids of the messages. @throws Failure */
export async function readMessages(
  client: DataverseClient,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Message>> {
  const filter = MESSAGES.map((name) => `name eq '${name}'`).join(' or ');
  const rows = await readRows(
    client,
    `sdkmessages?$select=sdkmessageid,name&$filter=${encodeURIComponent(filter)}`,
    messageRow,
    signal,
  );
  return new Map(
    rows.flatMap(({ sdkmessageid, name }) => {
      const message = MESSAGES.find((each) => each === name);
      return message === undefined ? [] : [[sdkmessageid, message] as const];
    }),
  );
}

/**
 * Reads which messages of a table can be registered. Their table is `sdkmessagefilter`: a pair of a message and a table.
 *
 * @param messages as {@link readMessages} gives them.
 * @throws Failure
 */
export async function readFilters(
  client: DataverseClient,
  table: string,
  messages: ReadonlyMap<string, Message>,
  signal: AbortSignal,
): Promise<MessageFilters> {
  const filter = `primaryobjecttypecode eq ${quoted(table)}`;
  const select = 'sdkmessagefilterid,_sdkmessageid_value,iscustomprocessingstepallowed';
  const rows = await readRows(
    client,
    `sdkmessagefilters?$select=${select}&$filter=${encodeURIComponent(filter)}`,
    filterRow,
    signal,
  );
  return new Map(
    rows.flatMap(
      ({ sdkmessagefilterid: id, _sdkmessageid_value: messageId, iscustomprocessingstepallowed }) => {
        const message = messages.get(messageId ?? '');
        return message === undefined || iscustomprocessingstepallowed === false
          ? []
          : [[message, id] as const];
      },
    ),
  );
}

/** Reads the steps of an endpoint. @throws Failure */
export async function readSteps(
  client: DataverseClient,
  endpointId: string,
  signal: AbortSignal,
): Promise<WebhookStep[]> {
  const select = 'sdkmessageprocessingstepid,name,statecode,_sdkmessagefilterid_value';
  const filter = encodeURIComponent(`_eventhandler_value eq ${endpointId}`);
  const url = `sdkmessageprocessingsteps?$select=${select}&$filter=${filter}`;
  return (await readRows(client, url, stepRow, signal)).map((row) => ({
    id: row.sdkmessageprocessingstepid,
    name: row.name ?? '',
    filterId: row['_sdkmessagefilterid_value'] ?? null,
    isEnabled: row.statecode !== 1,
  }));
}

/**
 * Makes a step: asynchronous, after the commit, and its system jobs are deleted after success.
 *
 * Source: Microsoft, `sdkmessageprocessingstep` table reference. Its navigation properties are in lower case.
 *
 * @throws Failure
 */
export async function createStep(
  client: DataverseClient,
  step: {
    readonly name: string;
    readonly messageId: string;
    readonly filterId: string;
    readonly endpointId: string;
  },
  signal: AbortSignal,
): Promise<void> {
  const body = {
    // The id is chosen here, so that a repeated request cannot make a second step.
    sdkmessageprocessingstepid: randomUUID(),
    name: step.name,
    stage: 40,
    mode: 1,
    rank: 1,
    supporteddeployment: 0,
    asyncautodelete: true,
    'sdkmessageid@odata.bind': `/sdkmessages(${step.messageId})`,
    'sdkmessagefilterid@odata.bind': `/sdkmessagefilters(${step.filterId})`,
    'eventhandler_serviceendpoint@odata.bind': `/serviceendpoints(${step.endpointId})`,
  };
  await writeRow(client, { method: 'POST', url: 'sdkmessageprocessingsteps', body }, signal);
}

/** Turns a step on that somebody has turned off. @throws Failure */
export async function enableStep(client: DataverseClient, id: string, signal: AbortSignal): Promise<void> {
  const body = { statecode: 0, statuscode: 1 };
  await writeRow(client, { method: 'PATCH', url: `sdkmessageprocessingsteps(${id})`, body }, signal);
}

/** @throws Failure */
export async function deleteStep(client: DataverseClient, id: string, signal: AbortSignal): Promise<void> {
  const url = `sdkmessageprocessingsteps(${id})`;
  await writeRow(client, { method: 'DELETE', url, body: undefined }, signal);
}

/** System jobs of a step that failed (`statuscode` 31), up to 5,000. @throws Failure */
export async function countFailedJobs(
  client: DataverseClient,
  stepId: string,
  signal: AbortSignal,
): Promise<number> {
  const filter = `statuscode eq 31 and _owningextensionid_value eq ${stepId}`;
  return countRows(client, 'asyncoperations', filter, signal);
}

/** A text as OData writes it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
