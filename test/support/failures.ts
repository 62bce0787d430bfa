import type { Reaction } from '../../src/model/failure-codes.ts';
import { Failure, type CodeOfOneReaction } from '../../src/model/failure.ts';

const CODES: Readonly<Record<Reaction, CodeOfOneReaction>> = {
  retry: 'source-unavailable',
  rebaseline: 'link-expired',
  'stop-table': 'privilege-missing',
  'stop-process': 'state-newer',
};

/** A failure that has this reaction. */
export function failureWith(reaction: Reaction): Failure {
  return new Failure({ code: CODES[reaction], message: `Its reaction is ${reaction}.` });
}
