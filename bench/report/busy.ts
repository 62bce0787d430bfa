import type { FloorTime } from '../floor/timed.ts';
import { median } from '../support/median.ts';
import { percent } from './units.ts';

/** Which process floors kept busy, in words. */
export function busyInFloors(floors: readonly FloorTime[]): string {
  const own = median(floors.map((floor) => floor.own));
  const postgres = median(floors.map((floor) => floor.postgres));
  return `PostgreSQL ${percent(postgres)}, its client ${percent(own)}`;
}
