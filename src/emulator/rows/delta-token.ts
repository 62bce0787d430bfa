/** The content of a `$deltatoken`: a position among the row versions, and the time of issue. */
export interface DeltaToken {
  readonly version: bigint;
  /** Milliseconds; tokens carry whole seconds. */
  readonly issuedAt: number;
}

const FORM = /^(\d+)!(\d\d)\/(\d\d)\/(\d{4}) (\d\d):(\d\d):(\d\d)$/;

/** The token `919042!08/22/2017 08:10:44` as links carry it: `919042%2108%2f22%2f2017%2008%3a10%3a44`. */
export function encodeDeltaToken(token: DeltaToken): string {
  return writeDeltaToken(token)
    .replace('!', '%21')
    .replaceAll('/', '%2f')
    .replaceAll(':', '%3a')
    .replace(' ', '%20');
}

/** The token as text. The stamps of RetrieveMetadataChanges have the same form. */
export function writeDeltaToken(token: DeltaToken): string {
  const [date = '', time = ''] = new Date(token.issuedAt).toISOString().slice(0, 19).split('T');
  const [year, month, day] = date.split('-');
  const [hour, minute, second] = time.split(':');
  return `${token.version}!${month}/${day}/${year} ${hour}:${minute}:${second}`;
}

/** Reads the decoded text of a token; undefined for a malformed text. */
export function parseDeltaToken(text: string): DeltaToken | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, version = '', month = '', day = '', year = '', hour = '', minute = '', second = ''] = match;
  const issuedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(issuedAt) ? undefined : { version: BigInt(version), issuedAt };
}
