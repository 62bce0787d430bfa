import { setImmediate } from 'node:timers/promises';
import type { PageRows, PlainPage } from '../../model/page.ts';
import type { EarlyRows } from './early-rows.ts';
import { JsonScanner } from './json-scanner.ts';
import { PageEnvelope, type FetchPaging } from './page-envelope.ts';
import { PageBuffers } from './page-buffers.ts';
import { decodeString, RowCollector, type RowShape } from './row-collector.ts';

const OPEN_BRACKET = 0x5b;

const decoder = new TextDecoder('utf-8');

/** One response of the feed; `link` is null if the response has none. */
export type ParsedPage = PlainPage & {
  /** The environment's metadata version, if it was asked for and came. */
  readonly metadataVersion?: string;
  /** What an answer to a query in FetchXML says of the page after it. */
  readonly paging?: FetchPaging;
};

/**
 * Reads a response of the change feed without building objects or rounding numbers.
 *
 * Members may come in any order. A tombstone is recognized by its context (`#<set>/$deletedEntity`), as
 * documented in "Use change tracking to synchronize data".
 *
 * @throws SyntaxError if the text is not one whole page (a truncated page never yields some of its rows),
 *   InStreamError if the page contains an error, TypeError if it is not a page at all.
 */
export function parsePage(bytes: Uint8Array, shape: RowShape): ParsedPage {
  const steps = pageSteps(bytes, shape, new PageBuffers());
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * As `parsePage`, but lets other work of the process run in between.
 *
 * @param buffers supplies the memory for the cells; the caller releases it.
 * @param early the rows that were read while the response came.
 */
export async function parsePageInTurns(
  bytes: Uint8Array,
  shape: RowShape,
  buffers: PageBuffers,
  early?: EarlyRows,
): Promise<ParsedPage> {
  const steps = pageSteps(bytes, shape, buffers, early);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await setImmediate();
  }
}

function* pageSteps(
  bytes: Uint8Array,
  shape: RowShape,
  buffers: PageBuffers,
  early?: EarlyRows,
): Generator<undefined, ParsedPage> {
  const scanner = new JsonScanner(bytes, textStart(bytes));
  let rows: RowCollector | undefined;
  const envelope = new PageEnvelope();
  for (const [start, end] of scanner.memberNames()) {
    const name = decodeString(bytes, start - 1, end + 1);
    if (name === 'value' && scanner.peek() === OPEN_BRACKET) {
      if (rows !== undefined) throw new SyntaxError('The response has two lists of rows.');
      rows = new RowCollector(scanner, shape, buffers, early?.rowsOf(scanner.position));
      yield* rows.collect();
      continue;
    }
    const from = scanner.position;
    scanner.skipValue();
    envelope.add(name, JSON.parse(decoder.decode(bytes.subarray(from, scanner.position))));
  }
  scanner.expectEnd();
  envelope.refuseError(rows !== undefined);
  if (rows === undefined) throw new TypeError('The response has no "value" array.');
  const { link, metadataVersion, paging } = envelope;
  return {
    bytes,
    width: shape.width,
    rows: rows.count,
    cells: rows.cells,
    tombstones: rows.tombstones,
    link,
    ...(metadataVersion === undefined ? {} : { metadataVersion }),
    ...(paging === undefined ? {} : { paging }),
  };
}

/** Reads the answer to a request for one row, where the row is the whole document, as a page of that row. */
export function parseRow(bytes: Uint8Array, shape: RowShape): PageRows {
  const scanner = new JsonScanner(bytes, textStart(bytes));
  const rows = new RowCollector(scanner, shape, new PageBuffers());
  rows.entry();
  scanner.expectEnd();
  return { bytes, width: shape.width, rows: rows.count, cells: rows.cells };
}

/** The position after a byte order mark, which a reader may ignore (RFC 8259, section 8.1). */
function textStart(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}
