import { array, assert, constantFrom, property } from 'fast-check';
import { expect, it } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import {
  isDead,
  suspect,
  withoutAnswer,
  type Look,
  type Suspicion,
} from '../../src/mirror/connection/connection-watch.ts';

const waiting = (sign: string): Look => ({ backend: 'waiting', sign });
const working: Look = { backend: 'working' };
const gone: Look = { backend: 'gone' };
const unreachable: Look = { backend: 'unreachable' };
const unknown: Look = { backend: 'unknown' };

function after(...looks: readonly Look[]): boolean {
  return isDead(looks.reduce<Suspicion | undefined>(suspect, undefined));
}

it('one look never makes a connection dead', () => {
  for (const look of [waiting('a'), working, gone, unreachable, unknown]) expect(after(look)).toBe(false);
});

it('a backend that waits for us, is gone, or cannot be asked about is dead at the second look', () => {
  expect(after(waiting('a'), waiting('a'))).toBe(true);
  expect(after(gone, gone)).toBe(true);
  expect(after(unreachable, unreachable)).toBe(true);
  expect(after(unreachable, waiting('a'))).toBe(true);
  expect(after(waiting('a'), unreachable, waiting('a'))).toBe(true);
});

it('a backend that has moved between two looks is alive', () => {
  expect(after(waiting('a'), waiting('b'))).toBe(false);
  expect(after(waiting('a'), waiting('b'), waiting('c'))).toBe(false);
});

it('a server that has no place for the question does not make a connection dead', () => {
  expect(after(unknown, unknown, unknown)).toBe(false);
  expect(after(waiting('a'), unknown)).toBe(false);
  expect(after(waiting('a'), unknown, waiting('a'))).toBe(true);
});

it('a connection whose backend is at work is never dead, whatever was before', () => {
  const looks = array(constantFrom(waiting('a'), waiting('b'), working, gone, unreachable, unknown));
  assert(
    property(looks, (before) => {
      expect(after(...before, working)).toBe(false);
      expect(after(...before, working, waiting('a'))).toBe(false);
    }),
  );
});

it('a question that the server refuses is no sign of a dead connection, and a question that reaches nobody is one', () => {
  const refusal = Object.assign(new Error('no more connections allowed'), { code: '08P01' });
  const wrongPassword = new Failure({
    code: 'database-sign-in',
    message: 'refused',
    details: { sqlstate: '28P01' },
  });
  const noListener = new Failure({ code: 'database-unreachable', message: 'refused' });
  const noRoute = Object.assign(new Error('connect'), { code: 'EHOSTUNREACH' });
  expect(withoutAnswer(refusal, false)).toEqual(unknown);
  expect(withoutAnswer(wrongPassword, false)).toEqual(unknown);
  expect(withoutAnswer(noListener, false)).toEqual(unreachable);
  expect(withoutAnswer(new Error('Query read timeout'), true)).toEqual(unknown);
  expect(withoutAnswer(noRoute, false)).toEqual(unreachable);
  expect(withoutAnswer(new Error('timeout expired'), false)).toEqual(unreachable);
});
