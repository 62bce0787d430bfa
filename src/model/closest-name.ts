/**
 * The known name that a mistyped name most likely means, in upper or lower case.
 *
 * Two names are near if few steps turn one into the other: a letter that is missing, too many, another one, or swapped
 * with its neighbour (optimal string alignment). One step is allowed for a name of up to five letters, and one more
 * for each further four letters. A name that differs only by case is always near. Of several names that are equally
 * near, one with the same first letter is taken, because people seldom mistype the first letter.
 *
 * @returns null if no known name is near.
 */
export function closestName(mistyped: string, known: Iterable<string>): string | null {
  const wanted = mistyped.toLowerCase();
  let closest: string | null = null;
  let fewest = mostSteps(wanted.length) + 1;
  for (const name of known) {
    if (Math.abs(name.length - wanted.length) >= fewest) continue;
    const lower = name.toLowerCase();
    const steps = stepsBetween(wanted, lower) + (lower[0] === wanted[0] ? 0 : 0.5);
    if (steps >= fewest) continue;
    closest = name;
    fewest = steps;
  }
  return closest;
}

/** A name of one or two letters would be near to many others. */
function mostSteps(length: number): number {
  return length < 3 ? 0 : 1 + Math.max(0, Math.ceil((length - 5) / 4));
}

function stepsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped && row > 1 && column > 1 ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] ?? 0;
}
