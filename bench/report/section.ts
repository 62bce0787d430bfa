/** How often its floor a measurement took. */
export interface Ratio {
  /** As short as it can be, for the plot. */
  readonly name: string;
  readonly value: number;
  /** The highest value that is allowed. */
  readonly bar: number;
}

/** What a measurement has to tell. */
export interface Section {
  readonly title: string;
  /** What was measured, against what, and how much is allowed. */
  readonly about: string;
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly ratios: readonly Ratio[];
}

/** A figure and whether it is what it was to be. */
export function verdict({ value, bar }: Pick<Ratio, 'value' | 'bar'>): string {
  return `${value.toFixed(2)} (${value <= bar ? 'within' : '**missed**:'} ${bar})`;
}
