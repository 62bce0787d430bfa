import type { ShapeParts } from './shape.ts';

/**
 * What no environment writes: every member in its place in every row, nulls among them, short texts without an
 * escape. It shows what the order of members costs.
 */
export const UNIFORM: ShapeParts = {
  name: 'uniform',
  key: 'accountid',
  look: { escapes: 0, memoEscapes: 0, memoLength: 80 },
  nulls: 'in-place',
  first: [{ kind: 'text', filled: 1, names: 'name' }],
  more: [],
};
