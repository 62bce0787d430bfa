import { expect, it } from 'vitest';
import { slopes, soak } from '../soak/soak.ts';
import { freshDatabase } from '../support/database.ts';
import { seedOf } from '../support/driver/seeds.ts';

const TABLES = ['account', 'contact', 'task'];

it(
  'the mirror equals the source after twenty-four seconds of everything going wrong',
  { timeout: 180_000, retry: 0 },
  async () => {
    await using database = await freshDatabase();
    const seed = seedOf(process.env);
    console.log(`SEED=${seed}`);
    const { problems, mishaps, series } = await soak({
      database,
      seed,
      seconds: 24,
      tables: TABLES,
      changes: 60,
      mishaps: 'short',
      sampleEvery: 1,
      report: () => undefined,
    });
    expect(problems).toEqual([]);
    expect(mishaps).toBeGreaterThan(2);
    expect(slopes(series, 1_000).sessions?.samples).toBeGreaterThan(3);
  },
);
