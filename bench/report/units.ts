export function seconds(milliseconds: number): string {
  return milliseconds < 1_000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1_000).toFixed(2)} s`;
}

export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}

export function rate(rows: number, milliseconds: number): string {
  return count(rows / (milliseconds / 1_000));
}

export function megabytes(bytes: number): string {
  return `${count(bytes / 1e6)} MB`;
}

export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
