import { expect } from 'vitest';
import { Failure } from '../../src/model/failure.ts';

/** The failure that `work` throws; a test that gets none, or another error, fails. */
export function failureOf(work: () => unknown): Failure {
  let thrown: unknown;
  try {
    work();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(Failure);
  return thrown as Failure;
}
