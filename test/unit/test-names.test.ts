import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** First words of fragments, which make sense only after the name of their `describe`. */
const FRAGMENT_STARTS: ReadonlySet<string> = new Set(
  [
    'about after and are as at be because before but by can cannot do does else for from had has have how however',
    'if in is it may must neither never nor not of on once or so than that then there they unless until was were',
    'what whatever when where which while who whoever whose will with without',
    'adds asks becomes begins brings comes creates deletes ends fails finds follows gets gives goes hides holds',
    'go keeps knows leaves lets loses makes mends prints puts refuses says sends serves shows stores start stop takes tells tries visits waits',
  ].flatMap((line) => line.split(' ')),
);
const FEWEST_WORDS = 4;

const NAME = /(?:String\.raw)?(['"`])((?:\\.|(?!\1)[^\\])*)\1/.source;
/** A call of `it` or `test`, and the name that follows the cases of an `each`. */
const CALLS = [
  new RegExp(String.raw`(?<![.\w])(?:it|test)(?:\.\w+)?\(\s*${NAME}`, 'g'),
  new RegExp(String.raw`\)\(\s*${NAME},`, 'g'),
];

const names = globSync('{*,support/driver}/*.ts', { cwd: ROOT }).flatMap((file) => {
  const source = readFileSync(join(ROOT, file), 'utf8');
  return CALLS.flatMap((call) => [...source.matchAll(call)]).map(([, , name = '']) => ({ file, name }));
});

it('a test has a name that is a sentence which begins with its subject', () => {
  expect(names.length).toBeGreaterThan(1_000);
  const fragments = names.filter(({ name }) => {
    const words = name.split(/\s+/);
    return words.length < FEWEST_WORDS || FRAGMENT_STARTS.has(words[0]?.toLowerCase() ?? '');
  });
  expect(fragments).toEqual([]);
});

it('a test has a name that no other test has', () => {
  const known = new Map<string, string>();
  const twice = names.filter(({ file, name }) => {
    const isKnown = known.has(name);
    known.set(name, file);
    return isKnown;
  });
  expect(twice).toEqual([]);
});
