import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { array, assert, nat, property } from 'fast-check';
import { expect, test } from 'vitest';
import { FollowedLinks } from '../../src/dataverse/feed/endless-paging.ts';
import type { Failure } from '../../src/model/failure.ts';

/** Bytes in use, garbage left out. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** How many are added until one is refused, and with which code. */
function follow(urls: readonly string[]): { readonly added: number; readonly code?: unknown } {
  const links = new FollowedLinks();
  for (const [added, url] of urls.entries()) {
    try {
      links.add(url);
    } catch (error) {
      return { added, code: (error as Failure).code };
    }
  }
  return { added: urls.length };
}

test('a link that came before is reported as a loop, and no other link is', () => {
  const link = nat({ max: 40 }).map((page) => `https://example.crm.dynamics.com/accounts?$skiptoken=${page}`);
  assert(
    property(array(link, { maxLength: 30 }), (urls) => {
      const loop = urls.findIndex((url, at) => urls.indexOf(url) < at);
      expect(follow(urls)).toEqual(loop < 0 ? { added: urls.length } : { added: loop, code: 'link-loop' });
    }),
  );
});

test('links that differ in one character of many are different', () => {
  const links = new FollowedLinks();
  const tail = 'x'.repeat(4_000);
  links.add(`https://example.crm.dynamics.com/a${tail}`);
  links.add(`https://example.crm.dynamics.com/b${tail}`);
  links.add(`https://example.crm.dynamics.com/a${tail}y`);
  expect(() => links.add(`https://example.crm.dynamics.com/b${tail}`)).toThrow(/read already/);
});

test('a link costs the memory of its digest, however long it is', () => {
  const before = heap();
  const links = new FollowedLinks();
  const count = 10_000;
  for (let page = 0; page < count; page++) links.add(`${page}${'cookie'.repeat(500)}`);
  expect((heap() - before) / count).toBeLessThan(300);
  expect(() => links.add(`0${'cookie'.repeat(500)}`)).toThrow(/read already/);
});
