import { expect, test } from 'vitest';
import { LoadPlaces } from '../../src/sync/schedule/load-places.ts';

test('there are as many places as said, and one at least', () => {
  const two = new LoadPlaces(2);
  expect([two.take(), two.take(), two.take()].map((place) => place === null)).toEqual([false, false, true]);
  const one = new LoadPlaces(0);
  expect([one.take(), one.take()].map((place) => place === null)).toEqual([false, true]);
});

test('a place given back twice is one place', () => {
  const places = new LoadPlaces(1);
  const leave = places.take();
  leave?.();
  leave?.();
  expect([places.take(), places.take()].map((place) => place === null)).toEqual([false, true]);
});
