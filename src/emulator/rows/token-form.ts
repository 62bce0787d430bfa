import type { TableData } from '../store/table-data.ts';
import type { WebApi } from '../web-api/web-api.ts';
import { encodeDeltaToken, parseDeltaToken, type DeltaToken } from './delta-token.ts';

/** What the number in a token of the form `falling` is counted down from. */
const TOP = 1n << 62n;
const OPAQUE = /^fno\.([0-9a-f]+)\.([0-9a-f]+)$/;

/**
 * The token of a delta link. Those of virtual tables have the form of their provider, which nobody documents. The
 * setting `virtualTokens` chooses among forms that a client must be able to bear.
 */
export function writeToken({ settings }: WebApi, { definition }: TableData, token: DeltaToken): string {
  if (definition.tableType !== 'Virtual' || settings.virtualTokens === 'counter')
    return encodeDeltaToken(token);
  if (settings.virtualTokens === 'falling')
    return encodeDeltaToken({ ...token, version: TOP - token.version });
  return `fno.${token.version.toString(16)}.${token.issuedAt.toString(16)}`;
}

/** Reads the decoded text of a token; undefined for a malformed text. */
export function readToken(
  { settings }: WebApi,
  { definition }: TableData,
  text: string,
): DeltaToken | undefined {
  if (definition.tableType !== 'Virtual' || settings.virtualTokens === 'counter')
    return parseDeltaToken(text);
  if (settings.virtualTokens === 'falling') {
    const token = parseDeltaToken(text);
    return token && { ...token, version: TOP - token.version };
  }
  const [, version, issuedAt] = OPAQUE.exec(text) ?? [];
  if (version === undefined || issuedAt === undefined) return undefined;
  return { version: BigInt(`0x${version}`), issuedAt: Number.parseInt(issuedAt, 16) };
}
