/**
 * Does two things in turn, as often as there are rounds; what comes first changes from round to round,
 * for whatever one leaves behind.
 */
export async function alternating<A, B>(
  rounds: number,
  first: () => Promise<A>,
  second: () => Promise<B>,
): Promise<{ readonly first: readonly A[]; readonly second: readonly B[] }> {
  const all: { first: A[]; second: B[] } = { first: [], second: [] };
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) all.first.push(await first());
    all.second.push(await second());
    if (round % 2 === 1) all.first.push(await first());
  }
  return all;
}
