import type { Random } from '../../src/emulator/seeding/random.ts';
import type { SoakBench } from './bench.ts';

/** Something that goes wrong, and what puts it right again where that takes somebody. */
export interface Mishap {
  readonly name: string;
  readonly happen: (bench: SoakBench, daemon: string, random: Random) => Promise<void> | void;
  /** Milliseconds until all is well again; a mishap of a moment has none. */
  readonly lasts?: number;
}

const THROTTLED = { status: 429, code: '0x80072322', message: 'Slow down.' };

/** What any network, server and colleague does now and then. */
export const MISHAPS: readonly Mishap[] = [
  {
    name: 'throttled',
    happen: ({ emulator }, _, random) => {
      // None stands for an answer that does not say how long.
      const retryAfter = random.integer(0, 2);
      const action = retryAfter === 0 ? THROTTLED : { ...THROTTLED, retryAfter };
      emulator.faults.add({ times: random.integer(1, 5), do: action });
    },
  },
  {
    name: 'server errors',
    happen: ({ emulator }, _, random) =>
      void emulator.faults.add({
        times: random.integer(1, 12),
        do: { status: random.pick([500, 502, 503, 504]), html: true },
      }),
  },
  {
    name: 'truncated answers',
    happen: ({ emulator }, _, random) =>
      void emulator.faults.add({ times: random.integer(1, 4), do: { cutAt: random.integer(0, 2_000) } }),
  },
  { name: 'expired links', happen: ({ emulator }) => emulator.settings.expireTokens() },
  { name: 'the environment resets connections', happen: ({ environment }) => environment.reset() },
  { name: 'the database resets connections', happen: ({ database }) => database.reset() },
  { name: 'a session is ended', happen: async (bench, daemon) => bench.endSession(daemon) },
  {
    name: 'a slow environment',
    lasts: 4_000,
    happen: ({ environment }) => void (environment.latency = 150),
  },
  { name: 'a slow database', lasts: 4_000, happen: ({ database }) => void (database.latency = 50) },
  { name: 'no environment', lasts: 4_000, happen: async ({ environment }) => environment.refuse() },
  { name: 'no database', lasts: 4_000, happen: async ({ database }) => database.refuse() },
];

/** Connections that say nothing any more; it takes the daemon its time-outs to see. */
export const BLACK_HOLES: readonly Mishap[] = [
  {
    name: 'connections to the environment die in silence',
    lasts: 5_000,
    happen: ({ environment }) => environment.blackhole(),
  },
  {
    name: 'connections to the database die in silence',
    lasts: 5_000,
    happen: ({ database }) => database.blackhole(),
  },
];
