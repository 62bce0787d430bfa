import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { DataverseClient } from '../http/client.ts';
import { readRows, writeRow } from './webhook-rows.ts';

/** A service endpoint of the environment, as far as it can be read. The secret never can. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly description: string;
}

/** What an endpoint has to be. */
export interface EndpointWish {
  readonly name: string;
  readonly url: string;
  readonly description: string;
  /** The header that the environment sends along with each call. */
  readonly header: { readonly name: string; readonly value: string };
}

const endpointRow = z.object({
  serviceendpointid: z.guid(),
  name: z.string(),
  url: z.string().nullish(),
  description: z.string().nullish(),
});

/** Reads the endpoints of a name, in the order of their ids. @throws Failure */
export async function readEndpoints(
  client: DataverseClient,
  name: string,
  signal: AbortSignal,
): Promise<WebhookEndpoint[]> {
  const filter = encodeURIComponent(`name eq '${name.replaceAll("'", "''")}'`);
  const url = `serviceendpoints?$select=serviceendpointid,name,url,description&$filter=${filter}`;
  const rows = await readRows(client, url, endpointRow, signal);
  return rows
    .map((row) => ({
      id: row.serviceendpointid,
      name: row.name,
      url: row.url ?? '',
      description: row.description ?? '',
    }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Makes an endpoint. @returns its id.
 *
 * `contract` 8 is a webhook, `authtype` 5 sends headers along, `messageformat` 2 is JSON. Source: Microsoft,
 * `serviceendpoint` table reference. A key in the address would end in the logs of proxies.
 *
 * @throws Failure
 */
export async function createEndpoint(
  client: DataverseClient,
  wish: EndpointWish,
  signal: AbortSignal,
): Promise<string> {
  const serviceendpointid = randomUUID();
  const fixed = { contract: 8, authtype: 5, messageformat: 2 };
  const body = { serviceendpointid, name: wish.name, ...fixed, ...changeable(wish) };
  await writeRow(client, { method: 'POST', url: 'serviceendpoints', body }, signal);
  return serviceendpointid;
}

/** Changes address, description and secret. @throws Failure */
export async function updateEndpoint(
  client: DataverseClient,
  id: string,
  wish: EndpointWish,
  signal: AbortSignal,
): Promise<void> {
  const body = changeable(wish);
  await writeRow(client, { method: 'PATCH', url: `serviceendpoints(${id})`, body }, signal);
}

/** An endpoint that still has steps cannot be deleted. @throws Failure */
export async function deleteEndpoint(
  client: DataverseClient,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  await writeRow(client, { method: 'DELETE', url: `serviceendpoints(${id})`, body: undefined }, signal);
}

function changeable({ url, description, header: { name, value } }: EndpointWish) {
  const setting = `<setting name="${escaped(name)}" value="${escaped(value)}" />`;
  return { url, description, authvalue: `<settings>${setting}</settings>` };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
  "'": '&apos;',
};

function escaped(text: string): string {
  return text.replaceAll(/[<>&"']/g, (letter) => ENTITIES[letter] ?? '');
}
