import type { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';

/** Kinds of requests for rows, and for signing in. */
const OTHERS = new Set(['baseline', 'delta', 'next', 'row', 'list', 'token', 'openid']);

/** The requests that are neither for rows nor for the sign-in, each as its kind and the begin of its address. */
export function metadataRequests(emulator: DataverseEmulator): string[] {
  return emulator.requests
    .find()
    .filter(({ kind }) => !OTHERS.has(kind))
    .map(({ kind, url }) => `${kind} ${decodeURIComponent(url).slice(0, 120)}`);
}
