/** A failure in the shape the Web API answers it: status, hex code and message. */
export class DataverseError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'DataverseError';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  body(): string {
    return JSON.stringify({ error: { code: this.code, message: this.message } });
  }
}

export function unknownProperty(property: string, type: string): DataverseError {
  return new DataverseError(
    400,
    '0x80060888',
    `Could not find a property named '${property}' on type 'Microsoft.Dynamics.CRM.${type}'.`,
  );
}

export function unknownSegment(segment: string): DataverseError {
  return new DataverseError(404, '0x8006088a', `Resource not found for the segment '${segment}'.`);
}

/** For requests that are sound but that this emulator has no answer to. */
export function notEmulated(what: string): DataverseError {
  return new DataverseError(501, '0x80060888', `${what} is not emulated.`);
}

export function badRequest(message: string): DataverseError {
  return new DataverseError(400, '0x80060888', message);
}
