import type { Failure } from '../../../model/failure.ts';
import type { SpooledBody } from './spool.ts';

/** Keeps bodies by the hash of their content. Equal bodies are kept once. */
export interface BodyStore {
  /** The folder for bodies that are still coming. */
  readonly spoolFolder: string;
  /** Where a body lies, or would lie. */
  location(sha256: string): string;
  /** Whether the body is there, with all its bytes. @throws Failure `files-place-unusable` */
  has(sha256: string, bytes: number, signal: AbortSignal): Promise<boolean>;
  /**
   * Stores a body under its final name, in one step: nobody sees a part of it there.
   *
   * @throws Failure `files-place-unusable`; the signal's reason when aborted.
   */
  put(body: SpooledBody, signal: AbortSignal): Promise<void>;
  /** Removes a body. One that is not there is removed already. @throws Failure `files-place-unusable` */
  remove(sha256: string, signal: AbortSignal): Promise<void>;
  /** Proves that bodies can be stored, read and removed. @returns what is wrong; undefined if all is well. */
  probe(signal: AbortSignal): Promise<Failure | undefined>;
  close(): void;
}
