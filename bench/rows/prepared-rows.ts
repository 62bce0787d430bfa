import { KEY, VERSION } from './attributes.ts';
import { ANY_KEY, writeKey } from './key.ts';
import { copyTails, jsonTails, VARIETY } from './values.ts';
import { ANY_VERSION, versionOf, writeVersion } from './version.ts';

interface Layout {
  /** Where each row starts, and the last one ends. */
  readonly starts: readonly number[];
  /** Counted from the start of a row. */
  readonly keyAt: number;
  readonly versionsAt: readonly number[];
}

/**
 * The text of many rows, one after another, made once: to have it say other rows only keys and versions
 * are written, in place. Made anew for each page it would cost more than the work that is measured.
 */
export class PreparedRows {
  private readonly bytes: Buffer;
  private readonly layout: Layout;

  private constructor(bytes: Buffer, layout: Layout) {
    this.bytes = bytes;
    this.layout = layout;
  }

  /** Rows of JSON, each after a comma. */
  static json(columns: number, rows: number): PreparedRows {
    const head = `,{"@odata.etag":"W/\\"${ANY_VERSION}\\"","${KEY}":"${ANY_KEY}","${VERSION}":${ANY_VERSION}`;
    return PreparedRows.of(head, jsonTails(columns), rows);
  }

  /** Lines of COPY text. */
  static copyText(columns: number, rows: number): PreparedRows {
    return PreparedRows.of(`${ANY_KEY}\t${ANY_VERSION}`, copyTails(columns), rows);
  }

  private static of(head: string, tails: readonly Buffer[], rows: number): PreparedRows {
    const parts: Buffer[] = [];
    const starts = [0];
    let length = 0;
    for (let row = 0; row < rows; row++) {
      const tail = tails[row % VARIETY] as Buffer;
      parts.push(Buffer.from(head), tail);
      length += head.length + tail.length;
      starts.push(length);
    }
    const keyAt = head.indexOf(ANY_KEY);
    const versionsAt = [...head.matchAll(new RegExp(ANY_VERSION, 'g'))].map(({ index }) => index);
    return new PreparedRows(Buffer.concat(parts), { starts, keyAt, versionsAt });
  }

  /** The same text in memory of its own. */
  copy(): PreparedRows {
    return new PreparedRows(Buffer.from(this.bytes), this.layout);
  }

  /**
   * Has `count` rows from place `first` on be others, and returns their text.
   *
   * @param rowAt the number of the row that comes at a place, counted from 0.
   * @param changes how often those rows have changed.
   */
  write(first: number, count: number, rowAt: (at: number) => number, changes: number): Buffer {
    const { starts, keyAt, versionsAt } = this.layout;
    for (let at = 0; at < count; at++) {
      const start = starts[first + at] ?? 0;
      const row = rowAt(at);
      writeKey(this.bytes, start + keyAt, row);
      for (const place of versionsAt) writeVersion(this.bytes, start + place, versionOf(row, changes));
    }
    return this.bytes.subarray(starts[first], starts[first + count]);
  }
}
