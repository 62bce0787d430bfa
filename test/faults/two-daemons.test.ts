import { expect, it } from 'vitest';
import { soak } from '../soak/soak.ts';
import { freshDatabase } from '../support/database.ts';
import { seedOf } from '../support/driver/seeds.ts';
import { driverTable } from '../support/driver/source-changes.ts';

it(
  'two daemons, one of which is killed every few seconds, mirror twenty tables, each page under its lease',
  { timeout: 180_000, retry: 0 },
  async () => {
    await using database = await freshDatabase();
    const definitions = Array.from({ length: 20 }, (_, at) => driverTable(at));
    const seed = seedOf(process.env);
    console.log(`SEED=${seed}`);
    const { problems, kills, events, changes } = await soak({
      database,
      seed,
      seconds: 14,
      definitions,
      tables: definitions.map(({ logicalName }) => logicalName),
      changes: 100,
      killEvery: 4,
      mishaps: 'none',
      sampleEvery: 5,
      report: () => undefined,
    });
    expect(problems).toEqual([]);
    expect(kills).toBeGreaterThanOrEqual(2);
    expect(changes).toBeGreaterThan(100);
    // The journal that found no trespass has seen all of it.
    expect(events['taken']).toBeGreaterThan(40);
    expect(events['link']).toBeGreaterThan(40);
    expect(events['written']).toBeGreaterThan(40);
  },
);
