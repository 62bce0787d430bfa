/** What an attribute was before a change, and after it. */
export interface AuditedValue {
  readonly attribute: string;
  /** As the environment wrote it; null for none. */
  readonly before: string | null;
  readonly after: string | null;
  /** The tables that the values of a lookup point at; null for any other attribute. */
  readonly tableBefore: string | null;
  readonly tableAfter: string | null;
}

/** The detail of an audit row. */
export interface AuditDetail {
  /** Its type without the namespace: `AttributeAuditDetail`, `ShareAuditDetail` and so on. */
  readonly kind: string;
  readonly values: readonly AuditedValue[];
}

/** The kind of details whose values are those of attributes. */
export const ATTRIBUTE_DETAIL = 'AttributeAuditDetail';
