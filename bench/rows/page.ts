import type { Shape } from '../shapes/shape.ts';
import { shapeOf, type ShapeName } from '../shapes/shapes.ts';
import { PreparedRows } from './prepared-rows.ts';

/** What a page begins with. */
export const PAGE_HEAD =
  '{"@odata.context":"https://contoso.crm.dynamics.com/api/data/v9.2/$metadata#rows","value":[';

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
  return Buffer.concat([Buffer.from(PAGE_HEAD), text.subarray(1), Buffer.from(']}')]);
}
