import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hasIdealShape,
  planView,
  type ExistingView,
  type ViewColumn,
  type WantedView,
} from '../../src/mirror/views/view-plan.ts';

const column = (name: string, type = 'text'): ViewColumn => {
  return { name, type, expression: `t."${name}"`, comment: null };
};

function wanted(...columns: ViewColumn[]): WantedView {
  return { schema: 'v', name: 'account', from: '"d"."account" AS t', columns, comment: null };
}

function existing(columns: readonly ViewColumn[], more: Partial<ExistingView> = {}): ExistingView {
  return { columns, comment: null, dependents: [], options: [], ...more };
}

function statements(view: WantedView, before?: ExistingView): readonly string[] {
  const plan = planView(view, before);
  return plan.kind === 'blocked' ? [] : plan.statements;
}

const [A, B, C] = [column('a'), column('b', 'integer'), column('c')];

describe('the plan of a view', () => {
  it('the plan of a view creates a view that is not there', () => {
    expect(planView(wanted(A, B), undefined)).toEqual({
      kind: 'create',
      statements: [
        'CREATE OR REPLACE VIEW "v"."account" AS\nSELECT t."a" AS "a",\n       t."b" AS "b"\n  FROM "d"."account" AS t',
      ],
    });
  });

  it('the plan of a view replaces a view whose columns are the first of the wanted ones', () => {
    const plan = planView(wanted(A, B, C), existing([A, B]));
    expect(plan.kind).toBe('replace');
  });

  it('the plan of a view drops and creates a view whose order is another, and keeps its options', () => {
    const plan = planView(wanted(A, B), existing([B, A], { options: ['security_invoker=true'] }));
    expect(plan).toMatchObject({ kind: 'recreate' });
    expect(statements(wanted(A, B), existing([B, A], { options: ['security_invoker=true'] }))).toEqual([
      'DROP VIEW "v"."account"',
      expect.stringContaining(`"account" WITH ("security_invoker" = 'true') AS`) as string,
    ]);
  });

  it('the plan of a view keeps order and columns of a view that something depends on, with null in place of what is gone', () => {
    const plan = planView(wanted(C, A), existing([B, A], { dependents: ['public.mine'] }));
    expect(plan.kind).toBe('replace');
    expect(statements(wanted(C, A), existing([B, A], { dependents: ['public.mine'] }))[0]).toContain(
      'SELECT NULL::integer AS "b",\n       t."a" AS "a",\n       t."c" AS "c"',
    );
  });

  it('the plan of a view is blocked where a type changes and something depends on the view', () => {
    const before = existing([column('a', 'integer')], { dependents: ['public.mine'] });
    expect(planView(wanted(A), before)).toEqual({ kind: 'blocked' });
    expect(planView(wanted(A), existing([column('a', 'integer')])).kind).toBe('recreate');
  });

  it('the plan of a view comments on what has another comment, and on nothing else', () => {
    const named = { ...A, comment: "It's" };
    expect(statements(wanted(named, B), existing([A, B])).slice(1)).toEqual([
      `COMMENT ON COLUMN "v"."account"."a" IS 'It''s'`,
    ]);
    expect(statements(wanted(A, B), existing([named, B], { comment: 'x' })).slice(1)).toEqual([
      'COMMENT ON VIEW "v"."account" IS NULL',
      'COMMENT ON COLUMN "v"."account"."a" IS NULL',
    ]);
  });

  it('the plan of a view never drops a view that something depends on, and never takes a column or its place from it', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
    const shapes = names.chain((list) =>
      fc.tuple(...list.map((name) => fc.constantFrom('text', 'integer').map((type) => column(name, type)))),
    );
    fc.assert(
      fc.property(shapes, shapes, (want, have) => {
        const view = wanted(...want);
        const plan = planView(view, existing(have, { dependents: ['public.mine'] }));
        const retyped = have.some(({ name, type }) =>
          want.some((each) => each.name === name && each.type !== type),
        );
        expect(plan.kind).toBe(retyped ? 'blocked' : 'replace');
        const [create = '', ...others] = 'statements' in plan ? plan.statements : [];
        expect(create + others.join('\n')).not.toContain('DROP');
        fc.pre(!retyped);
        const places = [...create.matchAll(/ AS "(\w)"/g)].map((match) => match[1]);
        expect(places.slice(0, have.length)).toEqual(have.map(({ name }) => name));
        expect(new Set(places)).toEqual(new Set([...have, ...want].map(({ name }) => name)));
        expect(places).toHaveLength(new Set(places).size);
      }),
    );
  });

  it('the plan of a view reaches the ideal shape where nothing depends on the view', () => {
    expect(hasIdealShape(wanted(A, B), existing([A, B]))).toBe(true);
    expect(hasIdealShape(wanted(A, B), existing([A]))).toBe(false);
    expect(hasIdealShape(wanted(A, B), existing([A, B, C]))).toBe(false);
  });
});
