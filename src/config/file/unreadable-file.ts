import { errorCode } from '../../model/error-description.ts';

/** Why a file cannot be read, as the end of a sentence whose subject is the file. */
export function unreadable(error: unknown): string {
  const code = errorCode(error) ?? '';
  switch (code) {
    case 'ENOENT':
      return `does not exist (${code})`;
    case 'EACCES':
    case 'EPERM':
      return `may not be read by the user of this process (${code})`;
    case 'EISDIR':
      return `is a folder (${code})`;
    default:
      return `cannot be read (${code})`;
  }
}
