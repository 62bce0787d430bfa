import { JsonScanner, OPEN_BRACE } from './json-scanner.ts';
import type { PageBuffers } from './page-buffers.ts';
import { decodeString, type ReadRows, RowCollector, type RowShape } from './row-collector.ts';

const OPEN_BRACKET = 0x5b;

/** Bytes among which the list of rows begins. If they have no list, `EarlyRows` stops looking for one. */
const HEAD = 1024 * 1024;

/**
 * Reads rows of a response while the rest of it still comes, so that the rows are read while another thread
 * decompresses. The parser of the whole response goes on where this ends, and judges everything else.
 */
export class EarlyRows {
  private readonly shape: RowShape;
  private readonly buffers: PageBuffers;
  /** Where the list of rows begins; undefined until it has come. */
  private list: number | undefined;
  private read: ReadRows | undefined;
  /** Bytes that must have come before it goes on. */
  private enough = 0;

  /** @param buffers supplies the memory for the cells; the caller releases it. */
  constructor(shape: RowShape, buffers: PageBuffers) {
    this.shape = shape;
    this.buffers = buffers;
  }

  /** Forgets everything, because the memory was given back and another response begins. */
  restart(): void {
    this.list = undefined;
    this.read = undefined;
    this.enough = 0;
  }

  /**
   * Reads the entries that have come whole.
   *
   * @param bytes all that has come, from the beginning of the response. Bytes of earlier calls have not changed.
   * @param whole bytes that the response is likely to have.
   * @throws MemoryShort
   */
  came(bytes: Uint8Array, whole: number): void {
    if (bytes.length < this.enough) return;
    this.list ??= bytes.length > HEAD ? undefined : listOfRows(bytes);
    if (this.list === undefined) return;
    const scanner = new JsonScanner(bytes, this.read?.next ?? this.list + 1);
    if (this.read === undefined && scanner.peek() !== OPEN_BRACE) return;
    const begin = scanner.position;
    const rows = new RowCollector(scanner, this.shape, this.buffers, this.read);
    const next = rows.readWhole(Math.max(whole, bytes.length));
    this.read = { count: rows.count, cells: rows.cells, tombstones: rows.tombstones, next };
    // A large entry is tried only a few times, because each try begins at the start of the entry.
    if (next === begin) this.enough = bytes.length + (bytes.length - begin);
  }

  /** The rows that were read of the list at a position; undefined if there are none. */
  rowsOf(position: number): ReadRows | undefined {
    return this.list === position ? this.read : undefined;
  }
}

/** Where the list of rows begins; undefined while that has not come. */
function listOfRows(bytes: Uint8Array): number | undefined {
  try {
    const scanner = new JsonScanner(bytes);
    for (const [start, end] of scanner.memberNames()) {
      const isList = scanner.peek() === OPEN_BRACKET;
      if (isList && decodeString(bytes, start - 1, end + 1) === 'value') return scanner.position;
      scanner.skipValue();
    }
  } catch {
    // The response has not come so far, or is no page. The parser of the whole response judges that.
  }
  return undefined;
}
