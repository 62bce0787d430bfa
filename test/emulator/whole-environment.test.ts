import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import { csdlDefinitions } from '../../src/emulator/recorded/csdl-definitions.ts';
import { CommandLine, loggedCodes } from '../support/command-line.ts';
import { freshDatabase } from '../support/database.ts';
import { differences } from '../support/oracle.ts';
import { recordedCsdl } from '../support/recorded.ts';

const ROWS = 60;
/** KiB: 512 MiB. */
const MEMORY_LIMIT = 512 * 1024;
/** Milliseconds that a slow machine may need. */
const TIME_LIMIT = 280_000;

const PEAK_MEMORY = join(import.meta.dirname, '..', 'support', 'write-peak-memory.ts');

it(
  'all tables of a live environment are mirrored by one command in 512 MiB',
  { timeout: TIME_LIMIT + 20_000 },
  async () => {
    const csdl = recordedCsdl();
    const tables = csdlDefinitions(csdl);
    expect(tables).toHaveLength(390);
    const names = tables.map((table) => table.logicalName);
    const emulator = new DataverseEmulator({ tables, csdl, seed: 5 });
    for (const name of names) {
      // The platform makes the one row of this table itself.
      if (name !== 'organization') emulator.store.seed(name, ROWS);
    }
    await using database = await freshDatabase();
    await using commandLine = await CommandLine.open({
      DATAVERSE_URL: await emulator.listen(),
      DATAVERSE_ACCESS_TOKEN: 'emulator-token',
      DATABASE_URL: database.url,
      MIRRORVERSE_TABLES: names.join(','),
    });
    const memoryFile = join(commandLine.directory, 'peak-memory');
    try {
      const command = commandLine.start(['sync'], {
        NODE_OPTIONS: `--import ${PEAK_MEMORY}`,
        PEAK_MEMORY_FILE: memoryFile,
      });
      const { status, stderr } = await command.end(TIME_LIMIT);
      expect(loggedCodes(stderr)).toEqual([]);
      expect(status).toBe(0);
      expect(await mirrorTables()).toEqual(names.toSorted());
      for (const name of names) {
        expect({ [name]: await differences(emulator.store, database, name) }).toEqual({ [name]: [] });
      }
      const peak = Number(await readFile(memoryFile, 'utf8'));
      expect(peak).toBeGreaterThan(0);
      expect(peak).toBeLessThan(MEMORY_LIMIT);
    } finally {
      await emulator.close();
    }

    async function mirrorTables(): Promise<string[]> {
      const rows = await database.query<{ name: string }>(
        // Those of labels begin with an underscore.
        `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'dataverse' AND tablename !~ '^_'`,
      );
      return rows.map((row) => row.name).toSorted();
    }
  },
);
