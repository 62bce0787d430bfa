import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const pages = globSync(['*.md', 'docs/*.md'], { cwd: ROOT });
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(path: string): string[] {
  return [...textOf(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every link between pages of the documentation leads to a page and a heading of it', () => {
  const broken = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)].flatMap(([, to = '', anchor]) => {
      const target = to === '' ? page : relative(ROOT, join(ROOT, dirname(page), to));
      const isThere = existsSync(join(ROOT, target));
      const leads = isThere && (anchor === undefined || anchorsOf(target).includes(anchor));
      return leads ? [] : [`${page}: ${to}#${anchor ?? ''}`];
    }),
  );
  expect(broken).toEqual([]);
});

test('every file of src and test that the documentation names exists', () => {
  const missing = pages.flatMap((page) =>
    [...textOf(page).matchAll(/`((?:src|test)\/[\w./*-]+)`/g)]
      .filter(
        ([, path = '']) =>
          globSync(path.endsWith('/') ? path.slice(0, -1) : path, { cwd: ROOT }).length === 0,
      )
      .map(([, path = '']) => `${page}: ${path}`),
  );
  expect(missing).toEqual([]);
});
