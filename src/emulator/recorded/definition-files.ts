import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseExactJson } from '../metadata/exact-json.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import { recordedTable } from './recorded-table.ts';

const DEFINITION = /\.json(?:\.gz)?$/;

/**
 * The tables of a folder of recorded definitions, `.json` or `.json.gz`, in the order of the files' names.
 *
 * @throws Error if the folder cannot be read, has no definition, has a file that is not one, or has two definitions
 *   of one table. The message is meant for the user.
 */
export function readDefinitions(directory: string): TableDefinition[] {
  const files = readdirSync(directory).filter((file) => DEFINITION.test(file));
  if (files.length === 0) throw new Error(`${directory} holds no .json or .json.gz file.`);
  const origins = new Map<string, string>();
  return files.toSorted().map((file) => {
    const table = readDefinition(directory, file);
    const other = origins.get(table.logicalName);
    if (other !== undefined) throw new Error(`${other} and ${file} both define ${table.logicalName}.`);
    origins.set(table.logicalName, file);
    return table;
  });
}

function readDefinition(directory: string, file: string): TableDefinition {
  const bytes = readFileSync(join(directory, file));
  try {
    const text = file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
    // JSON does not allow a byte order mark.
    return recordedTable(parseExactJson(text.toString('utf8').replace(/^\ufeff/, '')));
  } catch (error) {
    throw new Error(`${file} is no table definition: ${String(error)}`, { cause: error });
  }
}
