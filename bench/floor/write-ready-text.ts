import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { PreparedRows } from '../rows/prepared-rows.ts';
import { Rotation } from '../rows/rotation.ts';
import { VARIETY } from '../rows/row-texts.ts';
import type { Shape } from '../shapes/shape.ts';

/** Pieces that are on their way at once. */
const AHEAD = 2;

/** The rows that the floor writes. */
export interface RowsToWrite {
  readonly count: number;
  readonly rowAt: (at: number) => number;
  /** Which of the prepared rows the first one is. */
  readonly place: number;
  /** How often the rows have changed. */
  readonly changes: number;
}

/** COPY text of tables of a shape, with all that can be made before it is wanted. */
export function prepareText(shape: Shape): Rotation {
  const rotation = new Rotation(PreparedRows.copyText(shape, 2 * VARIETY));
  const all = Array.from({ length: AHEAD + 1 }, () => rotation.take());
  for (const rows of all) rotation.give(rows);
  return rotation;
}

/** Writes rows as COPY text to a stream, no more of them at once than the stream takes, and ends it. */
export async function writeReadyText(
  stream: Writable,
  rotation: Rotation,
  { count, rowAt, place, changes }: RowsToWrite,
): Promise<void> {
  const onTheirWay: Promise<void>[] = [];
  const end = finished(stream);
  for (let from = 0; from < count; from += VARIETY) {
    const rows = rotation.take();
    const text = rows.write(place, Math.min(VARIETY, count - from), (at) => rowAt(from + at), changes);
    onTheirWay.push(
      new Promise<void>((resolve, reject) =>
        stream.write(text, (error) => (error ? reject(error) : resolve())),
      ).then(() => rotation.give(rows)),
    );
    if (onTheirWay.length >= AHEAD) await onTheirWay.shift();
  }
  await Promise.all(onTheirWay);
  stream.end();
  await end;
}
