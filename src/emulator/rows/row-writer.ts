import {
  ASSOCIATED_NAVIGATION_PROPERTY,
  FORMATTED_VALUE,
  LOOKUP_LOGICAL_NAME,
  type AnnotationFilter,
} from './annotation-filter.ts';
import { isLookupKind } from '../definitions/attribute-kind.ts';
import type { ColumnSelection } from './column-selection.ts';
import { wireProperty, type Column } from '../definitions/column.ts';
import type { DataverseStore } from '../store/dataverse-store.ts';
import { formattedValue } from './formatted-value.ts';
import { navigationProperty } from '../definitions/emulated-table.ts';
import type { RowSelection, StoredRow } from '../store/stored-row.ts';
import type { TableData } from '../store/table-data.ts';

const COMMA = Buffer.from(',');

interface WrittenColumn {
  readonly column: Column;
  readonly position: number;
  readonly property: string;
  readonly prefix: string;
  /** By target of a lookup, the annotations that depend only on the target. */
  readonly lookupAnnotations: Map<string, string>;
}

/**
 * Prepares the writing of rows for one selection. Annotations come before the value that they describe. Values come
 * first, in an order of the table's own, and the nulls come last, as in every captured row of a live organization.
 * So the order of members differs from row to row.
 */
export function rowWriter(
  store: DataverseStore,
  data: TableData,
  selection: ColumnSelection,
  annotations: AnnotationFilter,
  nulls: 'explicit' | 'omitted',
): RowSelection {
  const columns: WrittenColumn[] = [];
  for (const position of inOwnOrder(data, selection.positions)) {
    const column = data.rowColumns[position];
    if (column === undefined) continue;
    const property = wireProperty(column);
    columns.push({
      column,
      position,
      property,
      prefix: `,${JSON.stringify(property)}:`,
      lookupAnnotations: new Map(),
    });
  }
  const annotated =
    annotations.formattedValue || annotations.lookupLogicalName || annotations.associatedNavigationProperty;
  const before = (written: WrittenColumn, row: StoredRow, literal: string): string =>
    annotated ? columnAnnotations(store, data, written, row, literal, annotations) : '';
  const isPrincipal = data.definition.baseType === 'principal';
  return {
    // Formatted values of lookups depend on other rows, so they are not cached.
    cacheKey: annotations.formattedValue
      ? null
      : [
          data.definition.logicalName,
          store.metadataVersion,
          selection.named?.join(',') ?? '*',
          nulls,
          annotations.lookupLogicalName,
          annotations.associatedNavigationProperty,
        ].join('|'),
    write: (row) => {
      let text = `{"@odata.etag":${JSON.stringify(etag(data, row))}`;
      let absent = '';
      for (const written of columns) {
        const literal = row.literals[written.position] ?? null;
        if (literal !== null) text += before(written, row, literal) + written.prefix + literal;
        else if (nulls === 'explicit') absent += `${written.prefix}null`;
      }
      // Users and teams always have the key that they inherit from principal.
      if (isPrincipal) text += `,"ownerid":"${row.id}"`;
      return `${text}${absent}}`;
    },
  };
}

/** Captured rows have an order that neither `$select` nor the metadata nor the alphabet gives. */
function inOwnOrder(data: TableData, positions: readonly number[]): number[] {
  const place = (position: number): number => {
    let hash = 0;
    for (const character of data.properties[position] ?? '') {
      hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0;
    }
    return Math.imul(hash, 0x9e3779b1) >>> 0;
  };
  return positions
    .map((position) => ({ position, place: place(position) }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ position }) => position);
}

/** The etag of a row is its version; in virtual tables it is a GUID. */
export function etag(data: TableData, row: StoredRow): string {
  return data.definition.tableType === 'Virtual' ? `W/"{${row.id.toUpperCase()}}"` : `W/"${row.version}"`;
}

function columnAnnotations(
  store: DataverseStore,
  data: TableData,
  written: WrittenColumn,
  row: StoredRow,
  literal: string,
  wanted: AnnotationFilter,
): string {
  const { column, property } = written;
  const target = isLookupKind(column.kind)
    ? (row.lookupTables.get(property) ?? column.targets[0])
    : undefined;
  let text = '';
  if (wanted.formattedValue) {
    const formatted = formattedValue(store, column, literal, target);
    if (formatted !== null) text = annotation(property, FORMATTED_VALUE, formatted);
  }
  if (target === undefined) return text;
  let ofTarget = written.lookupAnnotations.get(target);
  if (ofTarget === undefined) {
    ofTarget = '';
    if (wanted.associatedNavigationProperty) {
      const navigation = navigationProperty(data.definition, column, target);
      ofTarget += annotation(property, ASSOCIATED_NAVIGATION_PROPERTY, navigation);
    }
    if (wanted.lookupLogicalName) ofTarget += annotation(property, LOOKUP_LOGICAL_NAME, target);
    written.lookupAnnotations.set(target, ofTarget);
  }
  return text + ofTarget;
}

function annotation(property: string, name: string, value: string): string {
  return `,${JSON.stringify(`${property}@${name}`)}:${JSON.stringify(value)}`;
}

/** A page: the members before `value`, the serialised items, and the members after `value`. */
export function pageBody(before: string, items: readonly Uint8Array[], after: string): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`{${before},"value":[`)];
  for (const [index, item] of items.entries()) {
    if (index > 0) parts.push(COMMA);
    parts.push(item);
  }
  parts.push(Buffer.from(`]${after}}`));
  return Buffer.concat(parts);
}
