import { expect, test } from 'vitest';
import { RunPlaces } from '../../src/sync/schedule/run-places.ts';

/** Runs that go on until they are ended, and the order in which they began. */
function runs(places: RunPlaces) {
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

test('as many run at once as there are places, the others in the order in which they came', async () => {
  const { begun, hold, end } = runs(new RunPlaces(2));
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

test('one that is aborted while it waits leaves the line at once and takes no place', async () => {
  const { begun, hold, end } = runs(new RunPlaces(1));
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

test('one that is aborted in the moment its turn has come does not run, and hands its place on', async () => {
  const places = new RunPlaces(1);
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

test('one that fails gives its place back, and a place there always is', async () => {
  const places = new RunPlaces(0);
  const { signal } = new AbortController();
  const failing = places.hold(signal, async () => Promise.reject(new Error('failed')));
  await expect(failing).rejects.toThrow('failed');
  expect(await places.hold(signal, async () => Promise.resolve('next'))).toBe('next');
});

test('nothing begins for a signal that has been given', async () => {
  const { begun, hold } = runs(new RunPlaces(1));
  expect(await hold('late', AbortSignal.abort(new Error('stopping')))).toBe('Error: stopping');
  expect(begun).toEqual([]);
});
