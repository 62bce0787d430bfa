import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { AccessTokens } from './web-api/access-tokens.ts';
import { adfsReply } from './web-api/adfs.ts';
import { readRequest, type ApiRequest } from './web-api/api-request.ts';
import { openIdReply, tokenReply } from './web-api/authority.ts';
import { DataverseError } from './web-api/dataverse-error.ts';
import { DataverseStore } from './store/dataverse-store.ts';
import { EmulatorSettings } from './emulator-settings.ts';
import { alteredReply, faultReply } from './faults/fault-reply.ts';
import { FaultScript, type FaultAction } from './faults/fault-script.ts';
import { parseQuery } from './web-api/query-options.ts';
import { quotingReply } from './faults/quoting-reply.ts';
import { JSON_CONTENT, type Reply } from './web-api/web-api.ts';
import { journalHeaders, RequestJournal, type JournalEntry } from './web-api/request-journal.ts';
import { setServiceHeaders, writeReply } from './web-api/response-writer.ts';
import { ServiceProtection } from './web-api/service-protection.ts';
import type { TableDefinition } from './definitions/emulated-table.ts';
import { WebhookDeliveries } from './webhooks/webhook-deliveries.ts';
import { WebhookRecords } from './webhooks/webhook-records.ts';
import { answer, refuseLongUrl } from './web-api/web-api-routes.ts';

export interface EmulatorOptions {
  /** The tables of the organization; by default those of the built-in model. */
  readonly tables?: readonly TableDefinition[];
  /** The row version before the first write. */
  readonly firstVersion?: bigint;
  /** Seed for invented ids and rows. */
  readonly seed?: number;
  /** A recorded `$metadata` document, served unchanged; by default the emulator makes one from the tables. */
  readonly csdl?: string;
  /** The clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

/** A Dataverse organization with its Web API and its token endpoint, served over HTTP on this machine. */
export class DataverseEmulator {
  readonly store: DataverseStore;
  readonly faults = new FaultScript();
  readonly requests = new RequestJournal();
  readonly settings: EmulatorSettings;
  readonly webhooks: WebhookRecords;
  readonly #deliveries: WebhookDeliveries;
  readonly #now: () => number;
  readonly #csdl: string | null;
  readonly #tokens = new AccessTokens();
  readonly #protection: ServiceProtection;
  readonly #server: Server;
  /** Host and port, because several organizations may be on this machine. */
  #domain = '';

  constructor(options: EmulatorOptions = {}) {
    this.#now = options.now ?? Date.now;
    this.#csdl = options.csdl ?? null;
    this.store = new DataverseStore({ ...options, now: this.#now });
    this.settings = new EmulatorSettings(
      this.#now,
      () => {
        this.store.purgeTombstones();
        return this.store.currentVersion;
      },
      () => this.#tokens.revokeAll(),
    );
    this.webhooks = new WebhookRecords(() => this.store.tables.values());
    this.#deliveries = new WebhookDeliveries({
      store: this.store,
      records: this.webhooks,
      organization: () => hostOf(this.settings.publicOrigin) ?? this.#domain,
      userId: () => this.settings.userId,
      now: this.#now,
    });
    this.store.onChange = (...change) => this.#deliveries.changed(...change);
    this.#protection = new ServiceProtection(this.settings.limits, this.#now);
    // Wide selections make addresses longer than Node accepts by default.
    this.#server = createServer({ maxHeaderSize: 131_072 }, (message, response) => {
      void this.#serve(message, response);
    });
  }

  /** Starts serving and resolves to the origin. Port 0 takes any free one. */
  async listen(port = 0, host = '127.0.0.1'): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    const address = this.#server.address();
    const actual = typeof address === 'object' && address !== null ? address.port : port;
    const name = `${host.includes(':') ? `[${host}]` : host}:${actual}`;
    this.#domain = name;
    return `http://${name}`;
  }

  /** Stops serving and ends every connection, idle ones included. */
  async close(): Promise<void> {
    this.#deliveries.close();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = readRequest(message, this.settings.onPremises?.path);
    const entry = this.#note(request);
    let status = 0;
    try {
      status = await this.#respond(request, response, entry);
    } catch (error) {
      // A failure of the emulator itself must be visible to the test that caused it.
      status = 500;
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (!response.headersSent) response.writeHead(500, { 'Content-Type': 'text/plain' });
      response.end(`Emulator failure: ${text}`);
    } finally {
      this.requests.finish(entry, status, this.#now());
    }
  }

  #note(request: ApiRequest): JournalEntry {
    const { headers } = request.message;
    const entry: JournalEntry = {
      at: this.#now(),
      method: request.method,
      path: request.path,
      url: request.url,
      kind: request.kind,
      table: this.#tableOf(request),
      status: null,
      durationMs: null,
      headers: journalHeaders(headers),
      hasAuthorization: headers.authorization !== undefined,
      tokenIndex: this.#tokens.indexOf(headers.authorization),
    };
    this.requests.add(entry);
    return entry;
  }

  #tableOf(request: ApiRequest): string | null {
    if (request.kind === 'metadata') {
      return this.#definedTable(request.resource ?? '');
    }
    return request.entitySet === null
      ? null
      : (this.store.bySet(request.entitySet)?.definition.logicalName ?? null);
  }

  /** The table that an address below EntityDefinitions names, by its logical name or its metadata id. */
  #definedTable(resource: string): string | null {
    const [, logicalName, metadataId] =
      /^EntityDefinitions\((?:LogicalName='([^']*)'|(?:MetadataId=)?([0-9a-fA-F-]{36}))\)/.exec(resource) ??
      [];
    if (metadataId === undefined) return logicalName ?? null;
    const tables = [...this.store.tables.values()];
    return tables.find((each) => each.metadataId === metadataId.toLowerCase())?.logicalName ?? null;
  }

  /** Answers a request and returns the status, 0 when the connection was reset. */
  async #respond(request: ApiRequest, response: ServerResponse, entry: JournalEntry): Promise<number> {
    const isApi = request.resource !== null;
    const origin = this.settings.publicOrigin ?? `http://${request.message.headers.host ?? 'localhost'}`;
    const body = ['POST', 'PUT', 'PATCH'].includes(request.method) ? await readBody(request.message) : '';
    let fault: FaultAction | null = null;
    let leave: (() => void) | null = null;
    let reply: Reply;
    try {
      if (isApi) {
        const { authorization } = request.message.headers;
        this.#tokens.check(authorization, this.settings, this.#now(), origin);
        entry.tokenIndex = this.#tokens.indexOf(authorization);
        leave = this.#protection.enter();
      }
      fault = this.faults.strike({ ...entry, url: request.url });
      if (fault?.delayMs !== undefined) await wait(fault.delayMs);
      if (fault?.reset === true) {
        request.message.socket.resetAndDestroy();
        return 0;
      }
      const instead = fault === null ? null : faultReply(fault);
      reply = instead ?? (await this.#answer(request, origin, body));
      if (fault !== null && instead === null) reply = alteredReply(reply, fault);
    } catch (error) {
      if (!(error instanceof DataverseError)) throw error;
      reply = errorReply(error);
    } finally {
      leave?.();
    }
    const { errorsQuote: row } = this.settings;
    if (row !== null) {
      const { headers } = request.message;
      reply = quotingReply(reply, { headers, url: origin + request.url, body, row });
    }
    if (isApi) {
      setServiceHeaders(response, {
        ...this.#protection.remaining(),
        dopHint: this.settings.dopHint,
        organizationId: this.store.organizationId,
      });
    }
    await writeReply(request.message, response, reply, fault);
    return reply.status;
  }

  async #answer(request: ApiRequest, origin: string, body: string): Promise<Reply> {
    if (request.kind === 'token' && request.path.startsWith('/adfs/')) {
      return adfsReply(new URLSearchParams(body), this.#tokens, this.settings, this.#now());
    }
    if (request.kind === 'token') {
      return tokenReply(new URLSearchParams(body), this.#tokens, this.settings, this.#now());
    }
    if (request.kind === 'openid') return openIdReply(request.path, origin);
    if (request.resource === null) {
      return {
        status: 404,
        headers: { 'Content-Type': 'text/html' },
        body: '<h2>404 - File or directory not found.</h2>',
      };
    }
    refuseLongUrl(origin + request.url);
    const api = {
      store: this.store,
      settings: this.settings,
      now: this.#now,
      csdl: this.#csdl,
      webhooks: this.webhooks,
    };
    const options = parseQuery(request.query);
    return answer(api, { request, options, body, root: origin + request.basePath });
  }
}

function hostOf(origin: string | null): string | undefined {
  return origin === null ? undefined : new URL(origin).host;
}

function errorReply(error: DataverseError): Reply {
  // The front end refuses a missing or stale token. It does not answer in JSON.
  if (error.status === 401) {
    return { status: 401, headers: { 'Content-Type': 'text/html', ...error.headers }, body: error.message };
  }
  return {
    status: error.status,
    headers: { 'Content-Type': JSON_CONTENT, ...error.headers },
    body: error.body(),
  };
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
