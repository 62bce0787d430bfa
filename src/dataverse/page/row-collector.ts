import type { Tombstone } from '../../model/page.ts';
import { afterBlanks, JsonScanner, OPEN_BRACE } from './json-scanner.ts';
import { AFTER_NULL, AFTER_VALUE, MemberNames, NO_NAME } from './member-names.ts';
import type { PageBuffers } from './page-buffers.ts';
import { MemoryShort } from './page-memory.ts';
import { endOfBoolean, endOfPlainNumber, endOfString, isNull, QUOTE } from './plain-literals.ts';
import { isErrorName, isEmptyError, inStreamErrorOf } from '../http/in-stream-error.ts';

const SPACE = 0x20;
const COMMA = 0x2c;
const NINE = 0x39;
const COLON = 0x3a;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const LETTER_N = 0x6e;

// Members of an entry that are not columns. The numbers are negative, because fields are numbered from 0.
const IGNORED = -1;
const CONTEXT = -2;
const ID = -3;
const REASON = -4;
/** An error within the row: the server failed on the way. */
const FAILURE = -5;

const DELETED_ENTITY = '/$deletedEntity';
const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;

/** The members to keep of each row, in the order of the table's columns. */
export class RowShape {
  readonly properties: readonly string[];
  readonly width: number;
  /** Fields of columns with the names of a tombstone's members; -1 if the table has none. */
  readonly idField: number;
  readonly reasonField: number;
  /** The names that pages of these rows had so far. */
  readonly names = new MemberNames();
  private readonly members: ReadonlyMap<string, number>;

  constructor(properties: readonly string[]) {
    this.properties = properties;
    this.width = properties.length;
    this.idField = properties.indexOf('id');
    this.reasonField = properties.indexOf('reason');
    this.members = new Map([
      ['@odata.context', CONTEXT],
      ['id', ID],
      ['reason', REASON],
      ...properties.map((property, field) => [property, field] as const),
    ]);
  }

  /** The field of a member, or one of the negative numbers above. */
  member(name: string): number {
    return this.members.get(name) ?? (isErrorName(name) ? FAILURE : IGNORED);
  }
}

/** Values between two turns: some tenths of a millisecond, for which answers of PostgreSQL wait. */
const VALUES_A_TURN = 2_048;

const FEW_ROWS = 64;
const CELL_BYTES = 2 * Int32Array.BYTES_PER_ELEMENT;

/** What was read of a list of rows. */
export interface ReadRows {
  readonly count: number;
  readonly cells: Int32Array;
  readonly tombstones: Tombstone[];
  /** Where the next entry begins. */
  readonly next: number;
}

export class RowCollector {
  count = 0;
  cells: Int32Array;
  readonly tombstones: Tombstone[];
  private readonly scanner: JsonScanner;
  private readonly view: DataView;
  private readonly shape: RowShape;
  // Start and end of the members of a tombstone; 0 if the entry lacks the member.
  private readonly marks = new Int32Array(6);
  private isMarked = false;
  private readonly buffers: PageBuffers;
  private readonly next: number | undefined;

  /** @param before the rows of the list that were read before. */
  constructor(scanner: JsonScanner, shape: RowShape, buffers: PageBuffers, before?: ReadRows) {
    const { buffer, byteOffset, length } = scanner.bytes;
    this.scanner = scanner;
    this.view = new DataView(buffer, byteOffset, length);
    this.shape = shape;
    this.buffers = buffers;
    this.next = before?.next;
    this.count = before?.count ?? 0;
    this.tombstones = before?.tombstones ?? [];
    this.cells = before?.cells ?? new Int32Array(buffers.take(FEW_ROWS * shape.width * CELL_BYTES)).fill(0);
  }

  /** Reads the array `value`, before which the scanner stands, and goes on where it was read before. */
  *collect(): Generator<undefined, void> {
    const { scanner, shape } = this;
    const rowsATurn = Math.ceil(VALUES_A_TURN / Math.max(1, shape.width));
    scanner.expect(OPEN_BRACKET);
    if (this.next !== undefined) scanner.position = this.next;
    else if (scanner.peek() === CLOSE_BRACKET) {
      scanner.expect(CLOSE_BRACKET);
      return;
    }
    for (;;) {
      this.entry();
      if (scanner.peek() !== COMMA) break;
      scanner.expect(COMMA);
      if (this.count % rowsATurn === 0) yield;
    }
    scanner.expect(CLOSE_BRACKET);
  }

  /**
   * Reads entries of a list that still comes, as far as they are whole. The scanner stands before an entry.
   *
   * @param whole bytes that the response is likely to have.
   * @returns where the next entry begins.
   */
  readWhole(whole: number): number {
    const { scanner, shape, tombstones } = this;
    const begin = scanner.position;
    const end = scanner.bytes.length;
    for (let next = begin, entries = 0; ; entries++, next = scanner.position) {
      // An entry that is likely to end later is not tried: to find out that it does not end costs an error.
      if (entries > 0 && next + (1.5 * (next - begin)) / entries > end) return next;
      const { count } = this;
      const removed = tombstones.length;
      try {
        this.entry(whole);
        scanner.expect(COMMA);
      } catch (error) {
        if (error instanceof MemoryShort) throw error;
        // The entry is not whole yet, or not right. It is read again, together with what comes after it.
        this.count = count;
        tombstones.length = removed;
        this.cells.fill(0, 2 * count * shape.width, 2 * (count + 1) * shape.width);
        return next;
      }
    }
  }

  /**
   * Reads one entry: a row into `cells`, or a tombstone.
   *
   * @param whole bytes that the response has.
   */
  entry(whole = this.scanner.bytes.length): void {
    const { scanner, shape } = this;
    const base = 2 * this.count * shape.width;
    if (base + 2 * shape.width > this.cells.length) this.grow(whole);
    scanner.expect(OPEN_BRACE);
    if (scanner.peek() === CLOSE_BRACE) scanner.expect(CLOSE_BRACE);
    else this.members(base);
    if (this.isMarked) this.marked(base);
    else this.row(base);
  }

  /**
   * Ends an entry that is a row.
   *
   * @throws SyntaxError if the entry has none of the columns: something else stands in place of a row.
   */
  private row(base: number): void {
    const { cells, shape } = this;
    let field = 0;
    // Nearly every row has its first column, so this loop ends at once.
    while (field < shape.width && cells[base + 2 * field + 1] === 0) field++;
    if (field === shape.width && field > 0) throw new SyntaxError('An entry has none of the columns.');
    this.count++;
  }

  /** Ends an entry that has members of a tombstone. */
  private marked(base: number): void {
    const { scanner, shape, marks, cells } = this;
    const context = marks[0] ?? 0;
    if (context !== 0 && isDeletedEntity(scanner.bytes, context, marks[1] ?? 0)) {
      this.addTombstone(base);
      cells.fill(0, base, base + 2 * shape.width);
    } else this.row(base);
    marks.fill(0);
    this.isMarked = false;
  }

  /**
   * The members of one entry up to its closing brace. The innermost loop of a baseline: it handles
   * what nearly every member looks like, and leaves the rest to the scanner.
   */
  private members(base: number): void {
    const { scanner, cells, view } = this;
    const { names } = this.shape;
    const { bytes } = scanner;
    let at = scanner.position;
    let name = NO_NAME;
    let after = AFTER_VALUE;
    for (;;) {
      if ((bytes[at] as number) <= SPACE) at = afterBlanks(bytes, at);
      name = names.find(view, at, name, after);
      let member: number;
      if (name === NO_NAME) {
        scanner.position = at;
        member = this.name();
        at = scanner.position;
      } else {
        member = names.member(name);
        at += names.length(name);
      }
      if ((bytes[at] as number) <= SPACE) at = afterBlanks(bytes, at);
      const start = at;
      const first = bytes[start] as number;
      if (first === QUOTE) at = endOfString(view, bytes, start);
      else if (first === LETTER_N) at = isNull(view, start) ? start + 4 : 0;
      else if (first <= NINE) at = endOfPlainNumber(bytes, start);
      else at = endOfBoolean(view, start);
      after = first === LETTER_N ? AFTER_NULL : AFTER_VALUE;
      if (at === 0) {
        scanner.position = start;
        scanner.skipValue();
        at = scanner.position;
      }
      if (member >= 0) {
        if (first === OPEN_BRACE) this.complexValue(start, at, base + 2 * member);
        else {
          cells[base + 2 * member] = first === LETTER_N ? 0 : start;
          cells[base + 2 * member + 1] = at;
        }
      } else if (member === FAILURE) refuseError(bytes, start, at);
      else if (member !== IGNORED && first === QUOTE) {
        const mark = 2 * (CONTEXT - member);
        this.marks[mark] = start;
        this.marks[mark + 1] = at;
        this.isMarked = true;
      }
      if (bytes[at] === COMMA) {
        at++;
        continue;
      }
      scanner.position = at;
      if (scanner.peek() !== COMMA) break;
      at = scanner.position + 1;
    }
    scanner.expect(CLOSE_BRACE);
  }

  /** Reads a name, with its colon, that is not known yet or is written in an unusual form. */
  private name(): number {
    const { scanner, shape } = this;
    const start = scanner.position;
    scanner.skipString();
    const end = scanner.position;
    scanner.expect(COLON);
    const member = shape.member(decodeString(scanner.bytes, start, end));
    const length = scanner.position - start;
    if (start + length === end + 1) shape.names.learn(this.view, start, length, member);
    return member;
  }

  /**
   * A BooleanManagedProperty is an object, `{"Value":true,"CanBeChanged":…}`, whose value becomes the cell.
   * Any other object becomes the cell itself. No column can hold it, so its row goes to quarantine; as a null
   * it would be lost silently.
   */
  private complexValue(start: number, end: number, cell: number): void {
    const inner = new JsonScanner(this.scanner.bytes, start);
    let isManaged = false;
    for (const [nameStart, nameEnd] of inner.memberNames()) {
      const isValue = decodeString(inner.bytes, nameStart - 1, nameEnd + 1) === 'Value';
      const from = inner.position;
      inner.skipValue();
      if (!isValue) continue;
      isManaged = true;
      this.cells[cell] = inner.bytes[from] === LETTER_N ? 0 : from;
      this.cells[cell + 1] = inner.position;
    }
    if (isManaged) return;
    this.cells[cell] = start;
    this.cells[cell + 1] = end;
  }

  /** Adds the entry that was just read to the tombstones. */
  private addTombstone(base: number): void {
    const { cells, marks, shape } = this;
    const { bytes } = this.scanner;
    const range = (mark: number, field: number): [number, number] => {
      const start = marks[mark] ?? 0;
      if (start !== 0 || field < 0) return [start, marks[mark + 1] ?? 0];
      // The table has a column of that name, so the member is among the cells.
      return [cells[base + 2 * field] ?? 0, cells[base + 2 * field + 1] ?? 0];
    };
    const [id, idEnd] = range(2, shape.idField);
    const [reason, reasonEnd] = range(4, shape.reasonField);
    // The id is documented as a bare GUID; by the OData standard it would be a URL that contains the GUID.
    const key = id === 0 ? undefined : GUID.exec(decodeString(bytes, id, idEnd))?.[0];
    if (key === undefined) throw new TypeError('A deleted entry has no id.');
    this.tombstones.push({
      key: key.toLowerCase(),
      reason: reason === 0 ? 'deleted' : decodeString(bytes, reason, reasonEnd),
    });
  }

  /** Grows the cells to the size that the rows so far make likely for the whole page. */
  private grow(whole: number): void {
    const { scanner, cells, buffers } = this;
    const likely = (cells.byteLength * whole) / scanner.position;
    const larger = new Int32Array(buffers.take(Math.ceil(Math.max(likely, 1.25 * cells.byteLength))));
    larger.set(cells);
    larger.fill(0, cells.length);
    buffers.give(cells.buffer as ArrayBuffer);
    this.cells = larger;
  }
}

/** @throws InStreamError for a member with the name of an error, unless its value says that there was none. */
function refuseError(bytes: Uint8Array, start: number, end: number): void {
  const value: unknown = JSON.parse(decoder.decode(bytes.subarray(start, end)));
  if (!isEmptyError(value)) throw inStreamErrorOf([['error', value]]);
}

function isDeletedEntity(bytes: Uint8Array, start: number, end: number): boolean {
  return decodeString(bytes, start, end).endsWith(DELETED_ENTITY);
}

const decoder = new TextDecoder('utf-8');

/** The text of the JSON string at `bytes[start, end)`, a range that includes the quotes. */
export function decodeString(bytes: Uint8Array, start: number, end: number): string {
  return String(JSON.parse(decoder.decode(bytes.subarray(start, end))));
}
