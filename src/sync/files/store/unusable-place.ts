import { errorCode } from '../../../model/error-description.ts';
import { Failure } from '../../../model/failure.ts';

/** The failure of a folder or a bucket. @param what begins a sentence. */
export function unusable(what: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const code = errorCode(cause) ?? 'unknown';
  return new Failure({
    code: 'files-place-unusable',
    message: `${what} (${code}).`,
    cause,
    details: { errorCode: code },
  });
}

/** The failure of a bucket that answered with an error. @param code of the answer, which is a word. */
export function refused(what: string, status: number, code: string): Failure {
  return new Failure({
    code: 'files-place-unusable',
    message: `${what} was refused with ${status}${code === '' ? '' : ` ${code}`}.`,
    details: { status, errorCode: code },
  });
}
