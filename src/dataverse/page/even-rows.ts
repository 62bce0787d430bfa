/**
 * Watches whether every row of a page has each member that any of them has, be it as null: a row that
 * lacks one is an odd one out. It costs one addition a member, for all names are looked up only once.
 */
export class EvenRows {
  /** By field: 0 for annotations, which come where there is something to say. */
  private readonly weights: Uint8Array;
  private readonly seen: Uint8Array;
  /** Members of the row that has the fewest. */
  private fewest = Number.POSITIVE_INFINITY;

  constructor(properties: readonly string[]) {
    this.weights = Uint8Array.from(properties, (property) => (property.includes('@') ? 0 : 1));
    this.seen = new Uint8Array(properties.length);
  }

  /** What a member counts for its row: 1 where every row should have it; negative numbers are no fields. */
  weight(member: number): number {
    return member < 0 ? 0 : (this.weights[member] ?? 0);
  }

  /** A member that some entry has. */
  see(member: number): void {
    if (member >= 0) this.seen[member] = this.weight(member);
  }

  /** @param came the weights of a row's members, added up. */
  row(came: number): void {
    if (came < this.fewest) this.fewest = came;
  }

  areEven(): boolean {
    return this.fewest >= this.seen.reduce((sum, each) => sum + each, 0);
  }
}
