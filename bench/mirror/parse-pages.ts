/** Parses pages of the same rows, written in several ways, in turn. */
import { gunzipSync } from 'node:zlib';
import { PageBuffers } from '../../src/dataverse/page/page-buffers.ts';
import { PageMemory } from '../../src/dataverse/page/page-memory.ts';
import { parsePageInTurns } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { pageOf } from '../rows/page.ts';
import { KINDS } from '../shapes/kinds.ts';
import { propertyOf } from '../shapes/shape.ts';
import { shapeOf, type ShapeName } from '../shapes/shapes.ts';
import { compressed } from '../source/pages.ts';
import { median } from '../support/median.ts';

export interface ParseOrder {
  readonly shape: ShapeName;
  readonly columns: number;
  readonly rows: number;
  readonly rounds: number;
  /** The share of texts with an escape on the page with escapes. */
  readonly escapes: number;
}

/** Milliseconds, each the median of all rounds. */
export interface ParseTimes {
  readonly bytes: number;
  /** All rows have their members in one order. */
  readonly uniform: number;
  /** Nulls come last, as environments write them. */
  readonly environment: number;
  readonly escapes: number;
  readonly jsonParse: number;
  readonly gunzip: number;
}

const MEMORY = 1024 ** 3;
/** Pages that are parsed before the time counts, because the engine compiles the parser meanwhile. */
const WARM_UP = 3;

const { shape, columns, rows, rounds, escapes } = JSON.parse(process.argv[2] ?? '') as ParseOrder;
const look = { columns, rows, escapes: 0 };
const environment = pageOf(shape, look);
const zipped = await compressed(environment);
const works = {
  uniform: parsing(pageOf(shape, { ...look, nulls: 'in-place' })),
  environment: parsing(environment),
  escapes: parsing(pageOf(shape, { ...look, escapes })),
  jsonParse: (): unknown => JSON.parse(environment.toString()),
  gunzip: () => gunzipSync(zipped),
};
const times: Record<keyof typeof works, number[]> = {
  uniform: [],
  environment: [],
  escapes: [],
  jsonParse: [],
  gunzip: [],
};
for (let round = -WARM_UP; round < rounds; round++) {
  for (const [name, work] of Object.entries(works)) {
    const begun = performance.now();
    await work();
    if (round >= 0) times[name as keyof typeof works].push(performance.now() - begun);
  }
}
process.send?.({
  bytes: environment.length,
  uniform: median(times.uniform),
  environment: median(times.environment),
  escapes: median(times.escapes),
  jsonParse: median(times.jsonParse),
  gunzip: median(times.gunzip),
} satisfies ParseTimes);
process.disconnect();

/** Parses a page as the mirror does, into memory of the page before it. */
function parsing(page: Uint8Array): () => Promise<void> {
  const rowShape = new RowShape(properties());
  const memory = new PageMemory(MEMORY);
  return async () => {
    const buffers = new PageBuffers(memory, await memory.reserve(page.length, AbortSignal.timeout(60_000)));
    const { rows: count } = await parsePageInTurns(page, rowShape, buffers);
    if (count !== rows) throw new Error(`The page has ${count} rows.`);
    buffers.release();
  };
}

/** The members that become columns. */
function properties(): string[] {
  return shapeOf(shape, columns).attributes.flatMap((attribute) => {
    const property = propertyOf(attribute);
    const isPolymorphic = (KINDS[attribute.kind].targets ?? []).length > 1;
    return isPolymorphic ? [property, `${property}@Microsoft.Dynamics.CRM.lookuplogicalname`] : [property];
  });
}
