import type { AuditDetail, AuditedValue } from '../../model/audit/audited-values.ts';
import { ATTRIBUTE_DETAIL } from '../../model/audit/audited-values.ts';
import { includeAnnotations, LOOKUP_ANNOTATION } from '../feed/selection.ts';
import { isRecord } from '../http/api-error.ts';
import type { DataverseClient } from '../http/client.ts';
import { parseWithDigits } from '../http/json-with-digits.ts';
import type { Priority } from '../budget/budget.ts';

/**
 * What requests for details are counted for. Those of table `audit` itself are counted apart, because verification
 * spends a share of its own on them.
 */
export const DETAIL_REQUESTS = '_audit_details';

/**
 * Reads what an audit row changed, by one request ("Retrieve the history of audited data changes",
 * RetrieveAuditDetails). The environment cuts texts of more than some 5,000 characters, and ends them with `…`.
 *
 * @throws Failure; its `details.status` is 404 if the audit row is gone, and 403 if the identity lacks
 *   prvReadRecordAuditHistory or prvReadAuditSummary.
 */
export async function readAuditDetail(
  client: DataverseClient,
  auditId: string,
  signal: AbortSignal,
  priority: Priority = 'verification',
): Promise<AuditDetail> {
  const request = {
    url: `audits(${auditId})/Microsoft.Dynamics.CRM.RetrieveAuditDetails`,
    prefer: [includeAnnotations([LOOKUP_ANNOTATION])],
    priority,
    countedFor: DETAIL_REQUESTS,
  };
  return client.get(request, signal, ({ body }) => parseAuditDetail(new TextDecoder().decode(body)));
}

/** @throws SyntaxError if the text is not whole, TypeError if it is no detail. */
export function parseAuditDetail(text: string): AuditDetail {
  const answer = parseWithDigits(text);
  const detail = isRecord(answer) ? answer['AuditDetail'] : undefined;
  if (!isRecord(detail)) throw new TypeError('The answer has no AuditDetail.');
  const type = detail['@odata.type'];
  const kind = typeof type === 'string' ? (type.split('.').at(-1) ?? type).replace(/^#/, '') : 'AuditDetail';
  return { kind, values: kind === ATTRIBUTE_DETAIL ? attributeValues(detail) : otherMembers(detail) };
}

/** The values of OldValue and NewValue, and the attributes that were deleted from the table since. */
function attributeValues(detail: Json): AuditedValue[] {
  const before = bag(detail['OldValue']);
  const after = bag(detail['NewValue']);
  const names = new Set([...before.keys(), ...after.keys(), ...deletedAttributes(detail)]);
  return [...names].map((attribute) => ({
    attribute,
    before: before.get(attribute)?.text ?? null,
    after: after.get(attribute)?.text ?? null,
    tableBefore: before.get(attribute)?.table ?? null,
    tableAfter: after.get(attribute)?.table ?? null,
  }));
}

interface BagValue {
  readonly text: string | null;
  readonly table: string | null;
}

/** The members of a row by the logical names of their attributes. `_ownerid_value` is the lookup `ownerid`. */
function bag(row: unknown): Map<string, BagValue> {
  const values = new Map<string, BagValue>();
  if (!isRecord(row)) return values;
  for (const [member, value] of Object.entries(row)) {
    if (member.includes('@')) continue;
    const table = row[`${member}@${LOOKUP_ANNOTATION}`];
    const attribute = /^_(.+)_value$/.exec(member)?.[1] ?? member;
    values.set(attribute, { text: textOf(value), table: typeof table === 'string' ? storable(table) : null });
  }
  return values;
}

/** `{"Count":1,"Keys":[10012],"Values":["new_gone"]}`: attributes by their column numbers. */
function deletedAttributes(detail: Json): string[] {
  const deleted = detail['DeletedAttributes'];
  const names = isRecord(deleted) ? deleted['Values'] : undefined;
  return Array.isArray(names) ? names.filter((name): name is string => typeof name === 'string') : [];
}

/** A detail of another kind, member by member: shares, associations, privileges of roles, accesses of users. */
function otherMembers(detail: Json): AuditedValue[] {
  return Object.entries(detail).flatMap(([member, value]) =>
    member.includes('@') || member === 'AuditRecord'
      ? []
      : [{ attribute: member, before: null, after: textOf(value), tableBefore: null, tableAfter: null }],
  );
}

/** A value as the environment wrote it: a text without its quotes, anything else as JSON. */
function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return storable(typeof value === 'string' ? value : JSON.stringify(value));
}

/** PostgreSQL holds neither NUL nor half a surrogate pair. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}

type Json = Readonly<Record<string, unknown>>;
