import { expect, test } from 'vitest';
import { parsePage } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { binaryPieces } from '../../src/mirror/copy/copy-binary.ts';
import { CopyOutput } from '../../src/mirror/copy/copy-output.ts';
import { copyPieces } from '../../src/mirror/copy/copy-text.ts';
import { pageRows } from './page-rows.ts';
import { column } from './sample-table.ts';

const COLUMNS = [column('c', 'text')];

/** Four megabytes of rows: no two pieces are alike, and none fills whole messages. */
const PAGE = pageRows(
  Array.from({ length: 100 }, (_, row) => [
    `"${String.fromCharCode(97 + (row % 26)).repeat(30_000 + 313 * row)}"`,
  ]),
  1,
);

test.each([
  ['text', copyPieces],
  ['binary', binaryPieces],
])('a piece of COPY in %s stays as it is while the next one is written', (_, piecesOf) => {
  const memory = new CopyOutput();
  const pieces: Iterator<Uint8Array> = piecesOf(PAGE, COLUMNS, { memory });
  let before: { piece: Uint8Array; was: Uint8Array } = { piece: new Uint8Array(0), was: new Uint8Array(0) };
  let count = 0;
  for (let step = pieces.next(); step.done !== true; step = pieces.next()) {
    expect(Buffer.compare(before.piece, before.was)).toBe(0);
    before = { piece: step.value, was: Uint8Array.from(step.value) };
    count++;
  }
  expect(count).toBeGreaterThan(20);
});

test('the memory of COPY is that of some rows, however large the page is', () => {
  const memory = new CopyOutput();
  const pieces = binaryPieces(PAGE, COLUMNS, { memory });
  while (pieces.next().done !== true);
  const { bytes } = memory;
  memory.turn();
  expect(bytes.length + memory.bytes.length).toBeLessThan(1_200_000);
});

test('the memory of COPY lets go of what a large row took', () => {
  const memory = new CopyOutput();
  const pieces = binaryPieces(pageRows([[`"${'x'.repeat(3_000_000)}"`], ['"y"']], 1), COLUMNS, { memory });
  while (pieces.next().done !== true);
  memory.shrink();
  const { bytes } = memory;
  memory.turn();
  expect(bytes.length + memory.bytes.length).toBeLessThan(600_000);
});

test.each([
  ['text', copyPieces],
  ['binary', binaryPieces],
])('nulls that are spelled out late in a large page take no memory of COPY in %s', (_, piecesOf) => {
  const rows = Array.from({ length: 1_000 }, () => `{"c":"${'x'.repeat(10_000)}","n":null}`);
  const page = parsePage(Buffer.from(`{"value":[${rows.join(',')}]}`), new RowShape(['c', 'n']));
  const memory = new CopyOutput();
  const pieces = piecesOf(page, [...COLUMNS, column('n', 'text')], { memory });
  while (pieces.next().done !== true);
  const { bytes } = memory;
  memory.turn();
  expect(bytes.length + memory.bytes.length).toBeLessThan(600_000);
});
