/** An error as the Web API answers it: status, hex code and message. */
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

/** The error for a valid request that this emulator does not support. */
export function notEmulated(what: string): DataverseError {
  return new DataverseError(501, '0x80060888', `${what} is not emulated.`);
}

export function badRequest(message: string): DataverseError {
  return new DataverseError(400, '0x80060888', message);
}

/** The table a privilege is about, with its object type code. */
interface PrivilegedTable {
  readonly logicalName: string;
  readonly objectTypeCode: number;
}

/** The refusal of a caller whose security roles lack a privilege. */
export function missingPrivilege(userId: string, privilege: string, table: PrivilegedTable): DataverseError {
  return new DataverseError(
    403,
    '0x80040220',
    `Principal user (Id=${userId}, type=8, roleCount=1, privilegeCount=42, accessMode='4 Non-interactive', AADObjectId=${userId}) ` +
      `is missing ${privilege} privilege (Id=886b280c-6396-4d56-a0a3-2c1b0a50ceb0) on OTC=${table.objectTypeCode} for entity '${table.logicalName}'.`,
  );
}

/** The refusal of a query by the provider of a virtual table (0x80044822 of the list of error codes). */
export function unsupportedByProvider(): DataverseError {
  return new DataverseError(
    400,
    '0x80044822',
    'The query is not supported by the virtual entity data provider.',
  );
}
