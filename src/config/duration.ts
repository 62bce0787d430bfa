const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration of the configuration in milliseconds. @param duration as the settings allow it, such as 30s. */
export function milliseconds(duration: string): number {
  const [, amount, unit] = /^([\d.]+)(ms|s|m|h|d)$/.exec(duration) ?? [];
  return Number(amount) * (UNITS[unit ?? ''] ?? Number.NaN);
}
