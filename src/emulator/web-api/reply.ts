/** An answer before it is written to the socket. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export const JSON_CONTENT = 'application/json; odata.metadata=minimal';

export function jsonReply(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status: 200, headers: { 'Content-Type': JSON_CONTENT, ...headers }, body };
}
