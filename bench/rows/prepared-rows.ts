import type { Shape } from '../shapes/shape.ts';
import { writeKey } from './key.ts';
import { copyLines, jsonRows, type RowText } from './row-texts.ts';
import { versionOf, writeVersion } from './version.ts';

interface PlacedRow {
  readonly start: number;
  readonly text: RowText;
}

/**
 * The text of many rows, one after another, made once: to have it say other rows only keys and versions
 * are written, in place. Made anew for each page it would cost more than the work that is measured.
 */
export class PreparedRows {
  private readonly bytes: Buffer;
  private readonly rows: readonly PlacedRow[];

  private constructor(bytes: Buffer, rows: readonly PlacedRow[]) {
    this.bytes = bytes;
    this.rows = rows;
  }

  /** Rows of JSON, each after a comma. `annotated` rows say which table a lookup points to. */
  static json(shape: Shape, annotated: boolean, rows: number): PreparedRows {
    return PreparedRows.of(jsonRows(shape, annotated), rows);
  }

  /** Lines of COPY text. */
  static copyText(shape: Shape, rows: number): PreparedRows {
    return PreparedRows.of(copyLines(shape), rows);
  }

  private static of(texts: readonly RowText[], count: number): PreparedRows {
    const rows: PlacedRow[] = [];
    let start = 0;
    for (let row = 0; row < count; row++) {
      const text = texts[row % texts.length] as RowText;
      rows.push({ start, text });
      start += text.bytes.length;
    }
    return new PreparedRows(Buffer.concat(rows.map(({ text }) => text.bytes)), rows);
  }

  /** The same text in memory of its own. */
  copy(): PreparedRows {
    return new PreparedRows(Buffer.from(this.bytes), this.rows);
  }

  /**
   * Has `count` rows from place `first` on be others, and returns their text.
   *
   * @param rowAt the number of the row that comes at a place, counted from 0.
   * @param changes how often those rows have changed; of some rows, each for itself.
   */
  write(
    first: number,
    count: number,
    rowAt: (at: number) => number,
    changes: number | ((row: number) => number),
  ): Buffer {
    const changesOf = typeof changes === 'number' ? () => changes : changes;
    for (let at = 0; at < count; at++) {
      const { start, text } = this.rows[first + at] as PlacedRow;
      const row = rowAt(at);
      writeKey(this.bytes, start + text.keyAt, row);
      for (const place of text.versionsAt)
        writeVersion(this.bytes, start + place, versionOf(row, changesOf(row)));
    }
    return this.bytes.subarray(this.rows[first]?.start, this.rows[first + count]?.start);
  }
}
