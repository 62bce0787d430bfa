import { columnNamed, type TableDefinition } from '../definitions/emulated-table.ts';
import { thumbnailOf, type UploadedBody } from '../store/file-bodies.ts';
import { rowKey, type StoredRow } from '../store/stored-row.ts';
import type { TableData } from '../store/table-data.ts';
import { bodyAddress } from '../web-api/api-request.ts';
import { DataverseError, missingPrivilege, unknownSegment } from '../web-api/dataverse-error.ts';
import type { ApiCall, Reply, WebApi } from '../web-api/web-api.ts';
import { rowAddress } from './row-address.ts';

/** The chunk size that the Web API recommends, in bytes. */
const CHUNK = 4_194_304;

/**
 * Serves `accounts(id)/new_file/$value`, also by ranges, `…/entityimage/$value?size=full`, and the text of any other
 * column.
 *
 * Sources: Microsoft, "Use file column data", "Use image column data", "Retrieve the raw value of a property".
 */
export async function rowBody(api: WebApi, call: ApiCall, data: TableData): Promise<Reply> {
  const { resource } = call.request;
  const { predicate, column } = bodyAddress(resource ?? '') ?? { predicate: '', column: '' };
  const { definition } = data;
  const { id } = rowAddress(definition, predicate, call.options);
  const row = data.rows.get(rowKey(id, null));
  const hidden = api.settings.hiddenRows.get(definition.logicalName)?.(id) === true;
  if (row !== undefined && hidden && api.settings.hiddenRowStatus === 403) {
    throw missingPrivilege(api.settings.userId, `prvRead${definition.schemaName}`, definition);
  }
  if (row === undefined || hidden) throw doesNotExist(definition, id);
  const value = valueReader(data, row);
  const reply = replyOf(api, call, { definition, column, value, id });
  await api.settings.onBody?.();
  return reply;
}

interface RowColumn {
  readonly definition: TableDefinition;
  readonly column: string;
  readonly value: (property: string) => string | null;
  readonly id: string;
}

function replyOf(api: WebApi, call: ApiCall, { definition, column, value, id }: RowColumn): Reply {
  switch (columnNamed(definition, column)?.kind) {
    case undefined:
      throw unknownSegment(column);
    case 'File': {
      const named = value(column);
      const body = named === null ? undefined : api.store.bodies.file(named);
      if (body === undefined) throw noFile(column, id);
      return fileReply(api, call, body);
    }
    case 'Image': {
      const body = api.store.bodies.image(value(`${column}id`) ?? '', value(`${column}_timestamp`) ?? '');
      if (body === undefined) return NOTHING;
      if (call.options.get('size') !== 'full') return bytesReply(thumbnailOf(body), body);
      return api.settings.fullImages ? bytesReply(body.bytes.subarray(0, body.bytes.length), body) : NOTHING;
    }
    default: {
      const text = value(column);
      return text === null ? NOTHING : { status: 200, headers: { 'Content-Type': 'text/plain' }, body: text };
    }
  }
}

const NOTHING: Reply = { status: 204, headers: {}, body: '' };

/** The values of a row as texts. */
function valueReader(data: TableData, row: StoredRow): (property: string) => string | null {
  return (property) => {
    const literal = row.literals[data.positionOf(property)] ?? null;
    if (literal === null) return null;
    return literal.startsWith('"') ? (JSON.parse(literal) as string) : literal;
  };
}

function fileReply({ settings }: WebApi, call: ApiCall, body: UploadedBody): Reply {
  const { length } = body.bytes;
  const [, from, to] = /^bytes=(\d+)-(\d+)/.exec(call.request.message.headers.range ?? '') ?? [];
  if (from === undefined || to === undefined || settings.fileRanges === 'ignored') {
    return bytesReply(body.bytes.subarray(0, length), body);
  }
  if (settings.fileRanges === 'refused') {
    const text = 'Downloading in multiple chunks is not supported for the files stored in the database.';
    throw new DataverseError(400, '0x80090017', text);
  }
  if (Number(from) >= length) throw new DataverseError(416, '0x80048d19', 'The range is not valid.');
  const end = Math.min(Number(to) + 1, length);
  const reply = bytesReply(body.bytes.subarray(Number(from), end), body);
  const range = settings.tellsContentRange ? { 'Content-Range': `bytes ${from}-${end - 1}/${length}` } : {};
  return { ...reply, status: 206, headers: { ...reply.headers, ...range, 'x-ms-chunk-size': String(CHUNK) } };
}

function bytesReply(body: Buffer, { bytes, name, mimeType }: UploadedBody): Reply {
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/octet-stream',
      'x-ms-file-size': String(bytes.length),
      'x-ms-file-name': encodeURIComponent(name),
      mimetype: mimeType,
      'Access-Control-Expose-Headers': 'x-ms-file-size; x-ms-file-name; mimetype',
    },
    body,
  };
}

function doesNotExist({ schemaName }: TableDefinition, id: string): DataverseError {
  return new DataverseError(404, '0x80040217', `Entity '${schemaName}' With Id = ${id} Does Not Exist`);
}

function noFile(column: string, id: string): DataverseError {
  return new DataverseError(
    404,
    '0x80040217',
    `No file attachment found for attribute: ${column} EntityId: ${id}.`,
  );
}
