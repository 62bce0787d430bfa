import type { IncomingMessage } from 'node:http';
import { AUDIT_DETAIL } from '../audit/audit-details.ts';
import { parsePrefer, type Preferences } from './prefer-header.ts';

/** The kind of a request, from its address and preferences. */
export type RequestKind =
  | 'baseline'
  | 'delta'
  | 'next'
  | 'list'
  | 'count'
  | 'row'
  | 'body'
  | 'metadata'
  | 'metadata-changes'
  | 'relationships'
  | 'publish'
  | 'csdl'
  | 'service-document'
  | 'whoami'
  | 'organization'
  | 'record-count'
  | 'languages'
  | 'audit-detail'
  | 'token'
  | 'openid'
  | 'other';

/** The parts of a request. */
export interface ApiRequest {
  readonly method: string;
  /** The address in the request line. */
  readonly url: string;
  readonly path: string;
  readonly query: string;
  /** The path below `/api/data/v9.x/`, decoded; null for a request that is not to the Web API. */
  readonly resource: string | null;
  /** `/api/data/v9.2`, as in the request. */
  readonly basePath: string;
  readonly kind: RequestKind;
  readonly entitySet: string | null;
  readonly preferences: Preferences;
  readonly message: IncomingMessage;
}

const BASE = /^\/api\/data\/v9\.[0-2](?=\/|$)/;
/** The key may hold quoted texts, which may hold any character. */
const SET = /^([A-Za-z_]\w*)(?:\(((?:[^)']|'[^']*')*)\))?(\/\$count)?$/;

/** The raw value of a column of a row, such as the body of a file. */
const BODY = /^([A-Za-z_]\w*)\(([^)]*)\)\/(\w+)\/\$value$/;

/** @param below the path of the organization, on premises. */
export function readRequest(message: IncomingMessage, below = ''): ApiRequest {
  const url = message.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark + 1);
  const isBelow = path.toLowerCase().startsWith(`${below.toLowerCase()}/`);
  const own = isBelow ? BASE.exec(path.slice(below.length))?.[0] : undefined;
  const basePath = own === undefined ? '' : path.slice(0, below.length) + own;
  const resource = basePath === '' ? null : decoded(path.slice(basePath.length + 1));
  const prefer = message.headers['prefer'];
  const preferences = parsePrefer(Array.isArray(prefer) ? prefer.join(',') : prefer);
  const kind = resource === null ? authorityKind(path) : resourceKind(resource, query, preferences);
  const set = resource === null ? null : (SET.exec(resource) ?? BODY.exec(resource));
  return {
    method: message.method ?? 'GET',
    url,
    path,
    query,
    resource,
    basePath,
    kind,
    entitySet: set?.[1] ?? null,
    preferences,
    message,
  };
}

/** The key predicate: the text between the brackets of `accounts(…)`. */
export function keyPredicate(resource: string): string | undefined {
  return SET.exec(resource)?.[2];
}

/** The key predicate and the column of `accounts(…)/new_file/$value`. */
export function bodyAddress(
  resource: string,
): { readonly predicate: string; readonly column: string } | undefined {
  const [, , predicate, column] = BODY.exec(resource) ?? [];
  return predicate === undefined || column === undefined ? undefined : { predicate, column };
}

function authorityKind(path: string): RequestKind {
  if (/\/oauth2\/(?:v2\.0\/)?token$/.test(path)) return 'token';
  if (path.endsWith('/.well-known/openid-configuration') || path.endsWith('/discovery/instance'))
    return 'openid';
  return 'other';
}

function resourceKind(resource: string, query: string, preferences: Preferences): RequestKind {
  if (resource === '') return 'service-document';
  if (resource === '$metadata') return 'csdl';
  if (/^WhoAmI(?:\(\))?$/.test(resource)) return 'whoami';
  if (resource.startsWith('RetrieveMetadataChanges(')) return 'metadata-changes';
  if (resource.startsWith('RetrieveTotalRecordCount(')) return 'record-count';
  if (resource === 'RetrieveProvisionedLanguages()') return 'languages';
  if (/^EntityDefinitions(?:$|[(/])/.test(resource)) return 'metadata';
  if (/^RelationshipDefinitions(?:$|[(/])/.test(resource)) return 'relationships';
  if (resource === 'PublishXml' || resource === 'PublishAllXml') return 'publish';
  if (AUDIT_DETAIL.test(resource)) return 'audit-detail';
  if (BODY.test(resource)) return 'body';
  const set = SET.exec(resource);
  if (set === null) return 'other';
  if (set[3] !== undefined) return 'count';
  const isOrganization = set[1] === 'organizations';
  if (set[2] !== undefined) return isOrganization ? 'organization' : 'row';
  if (/(?:^|&)(?:\$|%24)skiptoken=/i.test(query)) return 'next';
  if (/(?:^|&)(?:\$|%24)deltatoken=/i.test(query)) return 'delta';
  if (preferences.trackChanges) return 'baseline';
  return isOrganization ? 'organization' : 'list';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
