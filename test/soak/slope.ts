/** A straight line through measurements, by least squares. */
export interface Slope {
  /** Units a minute. */
  readonly perMinute: number;
  /** Of `perMinute`. */
  readonly standardError: number;
  readonly first: number;
  readonly last: number;
  readonly samples: number;
}

/** One measurement; time in milliseconds. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** @throws RangeError for fewer than three samples, which have no error to speak of. */
export function slopeOf(samples: readonly Sample[]): Slope {
  const count = samples.length;
  if (count < 3) throw new RangeError('A slope takes three samples.');
  const minutes = samples.map(({ at }) => at / 60_000);
  const values = samples.map(({ value }) => value);
  const [x, y] = [mean(minutes), mean(values)];
  const spread = sum(minutes.map((minute) => (minute - x) ** 2));
  const together = sum(minutes.map((minute, at) => (minute - x) * ((values[at] ?? 0) - y)));
  const perMinute = together / spread;
  const left = sum(minutes.map((minute, at) => ((values[at] ?? 0) - y - perMinute * (minute - x)) ** 2));
  const standardError = Math.sqrt(left / (count - 2) / spread);
  return { perMinute, standardError, first: values[0] ?? 0, last: values.at(-1) ?? 0, samples: count };
}

/**
 * The means of stretches of so many milliseconds. What a collector frees every half minute makes samples
 * that are alike for a while, which a line through single ones would take for certainty.
 */
export function meansOf(samples: readonly Sample[], stretch: number): Sample[] {
  const stretches = new Map<number, Sample[]>();
  for (const sample of samples) {
    const at = Math.floor(sample.at / stretch);
    stretches.set(at, [...(stretches.get(at) ?? []), sample]);
  }
  return [...stretches.values()].map((of) => ({
    at: mean(of.map((sample) => sample.at)),
    value: mean(of.map((sample) => sample.value)),
  }));
}

/** Whether it rises by more than `tolerance` a minute for certain: by more than two standard errors. */
export function rises({ perMinute, standardError }: Slope, tolerance: number): boolean {
  return perMinute - 2 * standardError > tolerance;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function mean(numbers: readonly number[]): number {
  return sum(numbers) / numbers.length;
}
