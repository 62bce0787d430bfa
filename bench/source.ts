/** A source of the benchmark's rows over HTTP, in a process of its own: node bench/source.ts ROWS COLUMNS */
import { createServer } from 'node:http';
import { AccountRows, attributes, propertyOf } from './account-rows.ts';

const [rowsArgument, columnsArgument] = process.argv.slice(2);
const total = Number(rowsArgument);
const columns = Number(columnsArgument);
const rows = new AccountRows(columns);
const list = attributes(columns);

const server = createServer((request, response) => {
  const origin = `http://${request.headers.host}`;
  const url = new URL(request.url ?? '/', origin);
  const path = url.pathname.replace('/api/data/v9.2/', '');
  const size = Number(/odata\.maxpagesize=(\d+)/.exec(String(request.headers['prefer']))?.[1] ?? 5_000);
  const body = answer(origin, path, url.searchParams, size);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.send?.({ port: address.port });
});
process.on('disconnect', () => process.exit(0));

function answer(origin: string, path: string, query: URLSearchParams, size: number): Buffer {
  if (path === 'accounts') return page(origin, query, size);
  if (path === '$metadata') return Buffer.from(csdl());
  return Buffer.from(JSON.stringify(metadata(path)));
}

function page(origin: string, query: URLSearchParams, size: number): Buffer {
  const from = query.has('$deltatoken') ? total : Number(query.get('$skiptoken') ?? 0);
  const to = Math.min(total, from + size);
  const base = `${origin}/api/data/v9.2/accounts`;
  const link =
    to < total
      ? `"@odata.nextLink":"${base}?$skiptoken=${to}"`
      : `"@odata.deltaLink":"${base}?$deltatoken=${total}"`;
  return Buffer.concat([
    Buffer.from('{"@odata.context":"#accounts","value":['),
    rows.json(from, to),
    Buffer.from(`],${link}}`),
  ]);
}

function metadata(path: string): unknown {
  if (path === 'WhoAmI') return { OrganizationId: '11111111-2222-4333-8444-555555555555' };
  if (path === 'EntityDefinitions') {
    return {
      value: [
        {
          LogicalName: 'account',
          EntitySetName: 'accounts',
          PrimaryIdAttribute: 'accountid',
          ChangeTrackingEnabled: true,
        },
      ],
    };
  }
  if (path.endsWith('/Attributes')) {
    return {
      value: list.map(({ name, type }) => ({ LogicalName: name, AttributeTypeName: { Value: type } })),
    };
  }
  if (path.endsWith('LookupAttributeMetadata')) {
    const lookups = list.filter(({ type }) => type === 'LookupType');
    return { value: lookups.map(({ name }) => ({ LogicalName: name, Targets: ['contact'] })) };
  }
  if (path.startsWith('RetrieveTotalRecordCount')) {
    return { EntityRecordCountCollection: { Keys: ['account'], Values: [total] } };
  }
  return { value: [] };
}

function csdl(): string {
  const properties = list.map((attribute) => `<Property Name="${propertyOf(attribute)}"/>`).join('');
  return `<Schema><EntityType Name="account">${properties}</EntityType></Schema>`;
}
