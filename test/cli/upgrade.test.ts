import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { CommandLine } from '../support/command-line.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { allDifferences } from '../support/oracle.ts';
import {
  changeAfterRelease,
  changeBeforeRelease,
  ORIGIN,
  RELEASE_CONFIG,
  RELEASE_TABLES,
  releaseEnvironment,
} from '../support/release-mirror.ts';

const RELEASES = join(import.meta.dirname, '..', 'fixtures', 'releases');
const versions = globSync('*.sql.gz', { cwd: RELEASES }).map((file) => basename(file, '.sql.gz'));

/** Restores a dump as the role of the daemon. */
async function restore({ url }: TestDatabase, dump: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(dump);
  } finally {
    await client.end();
  }
}

describe('the mirror of an earlier release', () => {
  it.each(versions)(
    'a mirror that %s left is taken over without a load, and then equals its source',
    async (version) => {
      const emulator = releaseEnvironment();
      changeBeforeRelease(emulator);
      changeAfterRelease(emulator);
      const url = await emulator.listen();
      await using database = await freshDatabase();
      try {
        const dump = gunzipSync(readFileSync(join(RELEASES, `${version}.sql.gz`))).toString();
        await restore(database, dump.replaceAll(ORIGIN, url));
        await using cli = await CommandLine.open(mirrorEnvironment({ url, database }, []));
        await cli.file('mirrorverse.yaml', RELEASE_CONFIG);
        expect(await cli.run(['migrate'])).toMatchObject({ status: 0 });
        expect(await cli.run(['resume', 'lead'])).toMatchObject({ status: 0 });
        expect(await cli.run(['sync'])).toMatchObject({ status: 0 });
        expect(emulator.requests.count({ kind: 'baseline' })).toBe(0);
        expect(await allDifferences(emulator.store, database, RELEASE_TABLES)).toEqual([]);
        expect(await cli.run(['verify', '--values'])).toMatchObject({ status: 0 });
      } finally {
        await emulator.close();
      }
    },
  );
});
