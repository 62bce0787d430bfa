import { expect, test } from 'vitest';
import { Places } from '../../src/timing/places.ts';

/** Runs that go on until they are ended, and the order in which they began. */
function runs(places: Places) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const hold = async (name: string, signal = new AbortController().signal): Promise<string> =>
    places
      .hold(signal, async () => {
        begun.push(name);
        await new Promise<void>((resolve) => ends.set(name, resolve));
        return `${name} ended`;
      })
      .catch(String);
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  return { begun, hold, end };
}

test('the number of works that run at once is the number of places, and the others follow in the order in which they came', async () => {
  const { begun, hold, end } = runs(new Places(2));
  const held = ['a', 'b', 'c', 'd'].map(async (name) => hold(name));
  await end('none');
  expect(begun).toEqual(['a', 'b']);
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c']);
  await end('a');
  await end('c');
  await end('d');
  expect(await Promise.all(held)).toEqual(['a ended', 'b ended', 'c ended', 'd ended']);
});

test('a work that is aborted while it waits leaves the line at once and takes no place', async () => {
  const { begun, hold, end } = runs(new Places(1));
  const stop = new AbortController();
  const first = hold('first');
  const waiting = hold('waiting', stop.signal);
  const next = hold('next');
  await end('none');
  stop.abort(new Error('removed'));
  expect(await waiting).toBe('Error: removed');
  await end('first');
  await end('next');
  expect(begun).toEqual(['first', 'next']);
  expect(await Promise.all([first, next])).toEqual(['first ended', 'next ended']);
});

test('a work that is aborted in the moment after it got its place does not run, and hands its place on', async () => {
  const places = new Places(1);
  const { signal } = new AbortController();
  const stop = new AbortController();
  const begun: string[] = [];
  const hold = async (name: string, either: AbortSignal): Promise<void> =>
    places.hold(either, async () => {
      begun.push(name);
      await Promise.resolve();
    });
  const first = places.hold(signal, async () => Promise.resolve());
  const waiting = hold('waiting', stop.signal);
  const next = hold('next', signal);
  await first.then(() => stop.abort(new Error('stopping')));
  await expect(waiting).rejects.toThrow('stopping');
  await next;
  expect(begun).toEqual(['next']);
});

test('a work that fails gives its place back, and there is always one place', async () => {
  const places = new Places(0);
  const { signal } = new AbortController();
  const failing = places.hold(signal, async () => Promise.reject(new Error('failed')));
  await expect(failing).rejects.toThrow('failed');
  expect(await places.hold(signal, async () => Promise.resolve('next'))).toBe('next');
});

test('a work whose signal is aborted does not begin', async () => {
  const { begun, hold } = runs(new Places(1));
  expect(await hold('late', AbortSignal.abort(new Error('stopping')))).toBe('Error: stopping');
  expect(begun).toEqual([]);
});

test('places are taken without waiting as long as there are some, and there is one at least', () => {
  const two = new Places(2);
  expect([two.take(), two.take(), two.take()].map((place) => place === null)).toEqual([false, false, true]);
  const one = new Places(0);
  expect([one.take(), one.take()].map((place) => place === null)).toEqual([false, true]);
});

test('a place that is given back twice is one place', () => {
  const places = new Places(1);
  const leave = places.take();
  leave?.();
  leave?.();
  expect([places.take(), places.take()].map((place) => place === null)).toEqual([false, true]);
});

test('a place that is given back goes to the first in the line', async () => {
  const places = new Places(1);
  const leave = places.take();
  const { begun, hold, end } = runs(places);
  const held = hold('waiting');
  leave?.();
  expect(places.take()).toBeNull();
  await end('none');
  expect(begun).toEqual(['waiting']);
  await end('waiting');
  expect(await held).toBe('waiting ended');
});

test('more places let works begin at once, and with fewer places the works under way go on', async () => {
  const places = new Places(1);
  const { begun, hold, end } = runs(places);
  const held = ['a', 'b', 'c', 'd'].map(async (name) => hold(name));
  await end('none');
  places.change(3);
  await end('none');
  expect(begun).toEqual(['a', 'b', 'c']);
  places.change(1);
  await end('a');
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c']);
  await end('c');
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
  await end('d');
  await Promise.all(held);
});
