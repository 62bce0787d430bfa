import { Failure } from '../model/failure.ts';

/** Paging that comes back to where it was would never end. */
export function linkLoop(): Failure {
  return new Failure({
    code: 'link-loop',
    reaction: 'retry',
    message: 'The environment named a next page that was read already.',
    remedy: 'If it happens again, re-baseline the table: `mirrorverse backfill --restart`.',
  });
}
