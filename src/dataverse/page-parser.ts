import type { Link, Page, PageRows, Tombstone } from '../model/page.ts';
import { JsonScanner, QUOTE, OPEN_BRACE } from './json-scanner.ts';

const COMMA = 0x2c;
const COLON = 0x3a;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const LETTER_N = 0x6e;

// Members of an entry that are no columns: negative, so that they never meet a field's number.
const IGNORED = -1;
const CONTEXT = -2;
const ID = -3;
const REASON = -4;

const DELETED_ENTITY = '/$deletedEntity';
const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;

/** The members to keep of each row, in the order of the table's columns. */
export class RowShape {
  readonly properties: readonly string[];
  private readonly members: ReadonlyMap<string, number>;
  // What the last row looked like: rows of one page nearly always have the same members in the same
  // order, and comparing with the expected name is several times cheaper than looking it up.
  private readonly expected: { name: Uint8Array; member: number }[] = [];

  constructor(properties: readonly string[]) {
    this.properties = properties;
    this.members = new Map([
      ['@odata.context', CONTEXT],
      ['id', ID],
      ['reason', REASON],
      ...properties.map((property, field) => [property, field] as const),
    ]);
  }

  get width(): number {
    return this.properties.length;
  }

  /** The field number, or a negative number, of the member whose name is `bytes[start, end)`. */
  member(bytes: Uint8Array, start: number, end: number, position: number): number {
    const guess = this.expected[position];
    if (guess !== undefined && guess.name.length === end - start) {
      const name = guess.name;
      let at = 0;
      while (at < name.length && name[at] === bytes[start + at]) at++;
      if (at === name.length) return guess.member;
    }
    const member = this.members.get(decodeString(bytes, start - 1, end + 1)) ?? IGNORED;
    this.expected[position] = { name: bytes.slice(start, end), member };
    return member;
  }

  /** The field of a column that happens to be called `id`, which tombstones use too. */
  field(property: string): number | undefined {
    const field = this.properties.indexOf(property);
    return field === -1 ? undefined : field;
  }
}

/** What one response of the feed holds; `link` is absent where the response named none. */
export type ParsedPage = Omit<Page, 'link'> & { readonly link: Link | null };

/**
 * Reads a response of the change feed without building objects or rounding numbers.
 *
 * A page with both links yields the next link: it is not the last one. Members may come in any
 * order. Tombstones are told by their context (`#<set>/$deletedEntity`), as documented in
 * "Use change tracking to synchronize data".
 *
 * @throws SyntaxError when the text is not one whole JSON document, so that a truncated page never
 *   yields some of its rows, and TypeError when it is not a page at all.
 */
export function parsePage(bytes: Uint8Array, shape: RowShape): ParsedPage {
  const scanner = new JsonScanner(bytes);
  const rows = new RowCollector(scanner, shape);
  let next: string | undefined;
  let delta: string | undefined;
  let hasValue = false;
  scanner.members((start, end) => {
    const name = decodeString(bytes, start - 1, end + 1);
    if (name === 'value' && scanner.peek() === OPEN_BRACKET) {
      hasValue = true;
      rows.collect();
      return;
    }
    const from = scanner.position;
    scanner.skipValue();
    if (bytes[from] !== QUOTE) return;
    if (name === '@odata.nextLink') next = decodeString(bytes, from, scanner.position);
    if (name === '@odata.deltaLink') delta = decodeString(bytes, from, scanner.position);
  });
  scanner.expectEnd();
  if (!hasValue) throw new TypeError('The response has no "value" array.');
  return {
    bytes,
    width: shape.width,
    rows: rows.count,
    cells: rows.cells,
    tombstones: rows.tombstones,
    link: linkOf(next, delta),
  };
}

/** One row read by its id, as a page of that row: the object is the document. */
export function parseRow(bytes: Uint8Array, shape: RowShape): PageRows {
  const scanner = new JsonScanner(bytes);
  const rows = new RowCollector(scanner, shape);
  rows.entry();
  scanner.expectEnd();
  return { bytes, width: shape.width, rows: rows.count, cells: rows.cells };
}

function linkOf(next: string | undefined, delta: string | undefined): Link | null {
  if (next !== undefined) return { kind: 'next', url: next };
  if (delta !== undefined) return { kind: 'delta', url: delta };
  return null;
}

class RowCollector {
  count = 0;
  cells: Int32Array;
  readonly tombstones: Tombstone[] = [];
  private readonly scanner: JsonScanner;
  private readonly shape: RowShape;

  constructor(scanner: JsonScanner, shape: RowShape) {
    this.scanner = scanner;
    this.shape = shape;
    this.cells = new Int32Array(64 * 2 * shape.width);
  }

  /** Reads the `value` array the scanner stands before. */
  collect(): void {
    const scanner = this.scanner;
    scanner.expect(OPEN_BRACKET);
    if (scanner.peek() === CLOSE_BRACKET) {
      scanner.expect(CLOSE_BRACKET);
      return;
    }
    for (;;) {
      this.entry();
      if (scanner.peek() !== COMMA) break;
      scanner.expect(COMMA);
    }
    scanner.expect(CLOSE_BRACKET);
  }

  /** Reads one entry: a row into `cells`, or a tombstone. */
  entry(): void {
    const { scanner, shape } = this;
    const { bytes } = scanner;
    const base = 2 * this.count * shape.width;
    if (base + 2 * shape.width > this.cells.length) this.grow();
    const cells = this.cells;
    cells.fill(0, base, base + 2 * shape.width);
    let position = 0;
    let context = 0;
    let contextEnd = 0;
    let id = 0;
    let idEnd = 0;
    let reason = 0;
    let reasonEnd = 0;
    scanner.expect(OPEN_BRACE);
    if (scanner.peek() === CLOSE_BRACE) {
      scanner.expect(CLOSE_BRACE);
      this.count++;
      return;
    }
    for (;;) {
      scanner.skipBlanks();
      const nameStart = scanner.position + 1;
      scanner.skipString();
      const member = shape.member(bytes, nameStart, scanner.position - 1, position++);
      scanner.expect(COLON);
      scanner.skipBlanks();
      const start = scanner.position;
      scanner.skipValue();
      const end = scanner.position;
      if (member >= 0) {
        if (bytes[start] === OPEN_BRACE) this.complexValue(start, base + 2 * member);
        else if (bytes[start] !== LETTER_N) {
          cells[base + 2 * member] = start;
          cells[base + 2 * member + 1] = end;
        }
      } else if (member === CONTEXT) {
        context = start;
        contextEnd = end;
      } else if (member === ID) {
        id = start;
        idEnd = end;
      } else if (member === REASON) {
        reason = start;
        reasonEnd = end;
      }
      if (scanner.peek() !== COMMA) break;
      scanner.expect(COMMA);
    }
    scanner.expect(CLOSE_BRACE);
    if (context !== 0 && bytes[context] === QUOTE && isDeletedEntity(bytes, context, contextEnd)) {
      const fields = { id: shape.field('id'), reason: shape.field('reason') };
      if (id === 0 && fields.id !== undefined) {
        id = cells[base + 2 * fields.id] ?? 0;
        idEnd = cells[base + 2 * fields.id + 1] ?? 0;
      }
      if (reason === 0 && fields.reason !== undefined) {
        reason = cells[base + 2 * fields.reason] ?? 0;
        reasonEnd = cells[base + 2 * fields.reason + 1] ?? 0;
      }
      this.tombstones.push(tombstone(bytes, id, idEnd, reason, reasonEnd));
      return;
    }
    this.count++;
  }

  /**
   * A BooleanManagedProperty is an object, `{"Value":true,"CanBeChanged":…}`; its value is the cell.
   */
  private complexValue(start: number, cell: number): void {
    const inner = new JsonScanner(this.scanner.bytes, start);
    inner.members((nameStart, nameEnd) => {
      const isValue = decodeString(inner.bytes, nameStart - 1, nameEnd + 1) === 'Value';
      const from = inner.position;
      inner.skipValue();
      if (!isValue || inner.bytes[from] === LETTER_N) return;
      this.cells[cell] = from;
      this.cells[cell + 1] = inner.position;
    });
  }

  private grow(): void {
    const larger = new Int32Array(this.cells.length * 2);
    larger.set(this.cells);
    this.cells = larger;
  }
}

function isDeletedEntity(bytes: Uint8Array, start: number, end: number): boolean {
  return decodeString(bytes, start, end).endsWith(DELETED_ENTITY);
}

function tombstone(bytes: Uint8Array, id: number, idEnd: number, reason: number, reasonEnd: number): Tombstone {
  // Documented as a bare GUID; the OData standard would make it a URL with the GUID in it.
  const key = id === 0 ? undefined : GUID.exec(decodeString(bytes, id, idEnd))?.[0];
  if (key === undefined) throw new TypeError('A deleted entry has no id.');
  return {
    key: key.toLowerCase(),
    reason: reason === 0 ? 'deleted' : decodeString(bytes, reason, reasonEnd),
  };
}

const decoder = new TextDecoder('utf-8');

/** The characters of the JSON string `bytes[start, end)`, quotes included in the range. */
function decodeString(bytes: Uint8Array, start: number, end: number): string {
  return String(JSON.parse(decoder.decode(bytes.subarray(start, end))));
}
