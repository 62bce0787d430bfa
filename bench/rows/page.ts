import type { Shape } from '../shapes/shape.ts';
import { shapeOf, type ShapeName } from '../shapes/shapes.ts';
import { PreparedRows } from './prepared-rows.ts';

/** The version of the source's metadata before any change. */
export const METADATA_VERSION = '"@Microsoft.Dynamics.CRM.globalmetadataversion":"1000001"';

/** What a page begins with; `versioned` where the request asks for the metadata version. */
export function pageHead(versioned: boolean): string {
  const context = '"@odata.context":"https://contoso.crm.dynamics.com/api/data/v9.2/$metadata#rows"';
  return `{${versioned ? `${context},${METADATA_VERSION}` : context},"value":[`;
}

export interface PageLook {
  readonly columns: number;
  readonly rows: number;
  /** `last` as environments write nulls; `in-place` gives all rows the same order of members. */
  readonly nulls?: 'last' | 'in-place';
  /** The share of texts that need an escape, in place of the shape's own. */
  readonly escapes?: number;
}

/** The JSON of one whole page, with the annotations that mirrorverse asks for. */
export function pageOf(name: ShapeName, { columns, rows, nulls, escapes }: PageLook): Buffer {
  const usual = shapeOf(name, columns);
  const look = escapes === undefined ? usual.look : { ...usual.look, escapes, memoEscapes: escapes };
  const shape: Shape = { ...usual, look, nulls: nulls ?? usual.nulls };
  const text = PreparedRows.json(shape, true, rows).write(0, rows, (at) => at, 0);
  return Buffer.concat([Buffer.from(pageHead(true)), text.subarray(1), Buffer.from(']}')]);
}
