import { DataverseError } from '../web-api/dataverse-error.ts';

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
