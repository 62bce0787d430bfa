/**
 * Checks whether every row of a page has each member that any of the rows has. A null counts as a member. The
 * check costs one addition for each member, because each name is looked up only once.
 */
export class EvenRows {
  /** By field: 0 for annotations, which a row may lack, and 1 for all others. */
  private readonly weights: Uint8Array;
  private readonly seen: Uint8Array;
  /** Members of the row with the fewest members. */
  private fewest = Number.POSITIVE_INFINITY;

  constructor(properties: readonly string[]) {
    this.weights = Uint8Array.from(properties, (property) => (property.includes('@') ? 0 : 1));
    this.seen = new Uint8Array(properties.length);
  }

  /** 1 for a member that every row should have, 0 for any other. */
  weight(member: number): number {
    return member < 0 ? 0 : (this.weights[member] ?? 0);
  }

  /** Records a member that some entry has. */
  see(member: number): void {
    if (member >= 0) this.seen[member] = this.weight(member);
  }

  /** Records a row. @param came the sum of the weights of its members. */
  row(came: number): void {
    if (came < this.fewest) this.fewest = came;
  }

  areEven(): boolean {
    return this.fewest >= this.seen.reduce((sum, each) => sum + each, 0);
  }
}
