import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** What every table of a source answers. */
export interface WideTables {
  readonly names: readonly string[];
  /** Rows of a table, all of them in one answer. */
  readonly rows: number;
  /** Bytes of a row. */
  readonly width: number;
  readonly compressed?: boolean;
}

const API_PATH = '/api/data/v9.2/';
const ATTRIBUTES = { new_id: 'UniqueidentifierType', versionnumber: 'BigIntType', new_text: 'MemoType' };

/** A source of large answers, made once: the emulator would keep and build each of them. */
export class WideSource implements AsyncDisposable {
  readonly url: string;
  /** Requests for rows, by table. */
  readonly requests = new Map<string, number>();
  private readonly close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.close = close;
  }

  static async open(...kinds: readonly WideTables[]): Promise<WideSource> {
    const tables = new Map(
      kinds.flatMap((kind) => kind.names.map((name) => [name, answers(kind, name)] as const)),
    );
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '', source.url);
      const path = url.pathname.replace(API_PATH, '');
      const table = path.slice(0, -1);
      const answer = tables.get(table);
      if (path === '$metadata') return respond(response, csdl([...tables.keys()]));
      if (answer === undefined) return respond(response, JSON.stringify(metadata(path, [...tables.keys()])));
      source.requests.set(table, (source.requests.get(table) ?? 0) + 1);
      if (url.searchParams.has('$deltatoken')) return respond(response, page('', table));
      return answer(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const source: WideSource = new WideSource(`http://127.0.0.1:${address.port}`, async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return source;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function answers(kind: WideTables, name: string): (response: ServerResponse) => void {
  const { rows, width, compressed = false } = kind;
  const text = 'x'.repeat(width);
  const entry = (row: number): string =>
    `{"@odata.etag":"W/\\"1\\"","new_id":"00000000-0000-4000-8000-${String(row).padStart(12, '0')}","versionnumber":1,"new_text":"${text}"}`;
  const whole = Buffer.from(page(Array.from({ length: rows }, (_, row) => entry(row)).join(','), name));
  const body = compressed ? gzipSync(whole, { level: 1 }) : whole;
  return (response) => respond(response, body, compressed ? { 'content-encoding': 'gzip' } : {});
}

function page(rows: string, table: string): string {
  return `{"value":[${rows}],"@odata.deltaLink":"${table}s?$deltatoken=1"}`;
}

function csdl(names: readonly string[]): string {
  const properties = Object.keys(ATTRIBUTES).map((name) => `<Property Name="${name}"/>`);
  const types = names.map((name) => `<EntityType Name="${name}">${properties.join('')}</EntityType>`);
  return `<Schema>${types.join('')}</Schema>`;
}

function respond(
  response: ServerResponse,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(body);
}

function definition(name: string): unknown {
  return {
    LogicalName: name,
    EntitySetName: `${name}s`,
    PrimaryIdAttribute: 'new_id',
    ChangeTrackingEnabled: true,
  };
}

function metadata(path: string, names: readonly string[]): unknown {
  if (path === 'WhoAmI') return { OrganizationId: '11111111-2222-4333-8444-555555555555' };
  if (path === 'EntityDefinitions') {
    return { value: names.map(definition) };
  }
  if (!path.endsWith('/Attributes')) return { value: [] };
  const attributes = Object.entries(ATTRIBUTES);
  return {
    value: attributes.map(([name, type]) => ({ LogicalName: name, AttributeTypeName: { Value: type } })),
  };
}
