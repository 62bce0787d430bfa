import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseExactJson } from '../../src/emulator/metadata/exact-json.ts';
import { recordedTable as tableOf } from '../../src/emulator/recorded/recorded-table.ts';
import type { TableDefinition } from '../../src/emulator/definitions/emulated-table.ts';

export const RECORDED_DIRECTORY = join(import.meta.dirname, '..', 'fixtures', 'tables');
const SUFFIX = '.json.gz';

/** Names of the recorded table definitions: `contact.261attrs.orga660bf8d`, `task`. */
export const RECORDED: readonly string[] = readdirSync(RECORDED_DIRECTORY)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length))
  .toSorted();

/** What the environment said, numbers that JavaScript would change marked as the emulator marks them. */
export function recordedDocument(name: string): unknown {
  return parseExactJson(unpacked(`${fullName(name)}${SUFFIX}`));
}

/** The definition of a recorded table; the beginning of its name is enough where no other begins so. */
export function recordedTable(name: string): TableDefinition {
  return tableOf(recordedDocument(name));
}

/** All of them by name. Some are the same table of two environments, so one emulator cannot have them all. */
export function recordedTables(): Map<string, TableDefinition> {
  return new Map(RECORDED.map((name) => [name, recordedTable(name)]));
}

/** The recorded `$metadata` document. */
export function recordedCsdl(): string {
  return unpacked('csdl-lcrb-carla.xml.gz');
}

function fullName(name: string): string {
  if (RECORDED.includes(name)) return name;
  const [found, ...more] = RECORDED.filter((each) => each.startsWith(name));
  if (found === undefined || more.length > 0) throw new Error(`${name} is no recorded table, or several`);
  return found;
}

function unpacked(file: string): string {
  return gunzipSync(readFileSync(join(RECORDED_DIRECTORY, file))).toString('utf8');
}
