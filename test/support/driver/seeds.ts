/** Seeds that the random driver runs without being told otherwise. */
const USUAL = { from: 1, to: 200 };

type Variables = Readonly<Record<string, string | undefined>>;

/** The seed of a test that takes any: that of `SEED`, or one of the moment. @throws Error for no number. */
export function seedOf(environment: Variables): number {
  const given = environment['SEED'] ?? '';
  return given === '' ? Date.now() % 1_000_000 : whole(given);
}

/**
 * The seeds to run: `SEED=7` is that one, `SEEDS=50` the first fifty, `SEEDS=1000-1999` those. Each
 * test file takes a share of them.
 *
 * @throws Error for anything else.
 */
export function seedsOf(environment: Variables, share: number, shares: number): number[] {
  const { from, to } = range(environment['SEED'] ?? '', environment['SEEDS'] ?? '');
  return Array.from({ length: to - from + 1 }, (_, at) => from + at).filter(
    (seed) => seed % shares === share,
  );
}

function range(seed: string, seeds: string): { from: number; to: number } {
  if (seed !== '') return { from: whole(seed), to: whole(seed) };
  if (seeds === '') return USUAL;
  const [from = '', to] = seeds.split('-');
  return to === undefined ? { from: 1, to: whole(from) } : { from: whole(from), to: whole(to) };
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`SEED and SEEDS are whole numbers, or 1-99: ${text}`);
  return Number(text);
}
