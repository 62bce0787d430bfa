import type { Answers } from '../../../config/answers.ts';
import type { Failure } from '../../../model/failure.ts';
import type { Candidate } from '../../../operations/setup/mirror-candidates.ts';

/** Where the answers of a set-up come from: a person, or the options of a script. */
export interface Interview {
  /** @returns whether files that are there may be overwritten. */
  overwrite(files: readonly string[]): Promise<boolean>;
  /** Asks for the address of the environment, and for the way to sign in. */
  access(): Promise<Pick<Answers, 'DATAVERSE_URL' | 'MIRRORVERSE_AUTH'>>;
  /** Tells that nobody could sign in. @returns whether to ask for the access again. */
  again(failure: Failure): boolean;
  /** @returns names or patterns. */
  tables(candidates: readonly Candidate[]): Promise<readonly string[]>;
  database(): Promise<string>;
  /** The questions are over. */
  end(): void;
}

/** A person has broken the questions off. */
export class Cancelled extends Error {}
