/**
 * Room for loads beside the deltas: a solution that adds a column to two hundred tables makes two
 * hundred re-baselines, and the changes of all other tables are not to wait for them.
 */
export class LoadPlaces {
  private free: number;

  constructor(places: number) {
    this.free = Math.max(1, places);
  }

  /** A place, to be given back by calling what is returned; null when all are taken. */
  take(): (() => void) | null {
    if (this.free === 0) return null;
    this.free--;
    let given = false;
    return () => {
      if (!given) this.free++;
      given = true;
    };
  }
}
