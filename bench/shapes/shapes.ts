import { ACCOUNT } from './account.ts';
import { ACTIVITY } from './activity.ts';
import { MEMOS } from './memos.ts';
import { NARROW } from './narrow.ts';
import { makeShape, type Shape } from './shape.ts';
import { UNIFORM } from './uniform.ts';

const SHAPES = { account: ACCOUNT, narrow: NARROW, memos: MEMOS, activity: ACTIVITY, uniform: UNIFORM };

export type ShapeName = keyof typeof SHAPES;

const made = new Map<string, Shape>();

/** A shape of the benchmark's tables, with so many columns. */
export function shapeOf(name: ShapeName, columns: number): Shape {
  const key = `${name} ${columns}`;
  let shape = made.get(key);
  if (shape === undefined) {
    shape = makeShape(SHAPES[name], columns);
    made.set(key, shape);
  }
  return shape;
}
