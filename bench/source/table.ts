import { columnsOf, type Shape } from '../shapes/shape.ts';
import { shapeOf, type ShapeName } from '../shapes/shapes.ts';

/** A table that the source has. */
export interface SourceTable {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** `account` where it is absent. */
  readonly shape?: ShapeName;
  /** Rows that the source puts into a page at most; 5,000 where it is absent. */
  readonly pageRows?: number;
}

export function shapeOfTable({ shape = 'account', columns }: SourceTable): Shape {
  return shapeOf(shape, columns);
}

/** The preferences with which mirrorverse asks for pages, without their size. */
export function preferences(shape: Shape): string {
  const annotations = [
    ...(hasTypedLookups(shape) ? ['Microsoft.Dynamics.CRM.lookuplogicalname'] : []),
    'Microsoft.Dynamics.CRM.globalmetadataversion',
  ];
  return `odata.include-annotations="${annotations.join(',')}"`;
}

/** Whether a lookup may point to several tables, so that mirrorverse asks which table it is. */
export function hasTypedLookups({ attributes }: Shape): boolean {
  return attributes.some((attribute) => columnsOf(attribute).length > 1);
}

/** Rows that environments put into a page at most. */
const LARGEST_PAGE = 5_000;

export function rowsOfPage({ pageRows = LARGEST_PAGE }: SourceTable, asked: number): number {
  return Math.min(pageRows, asked);
}

export interface SourceOptions {
  readonly tables: readonly SourceTable[];
  /** Makes pages only when they are asked for. By default, all pages are there before the source starts. */
  readonly lazy?: boolean;
  /** Milliseconds that an answer with rows takes, and one with metadata; none without it. */
  readonly latency?: { readonly rows: number; readonly metadata: number };
}

/** What the source is told to do, each answered by its counts. */
export type SourceOrder =
  /** So many rows of a table change. */
  | { readonly order: 'change'; readonly table: string; readonly rows: number }
  /** A table gets one more column. */
  | { readonly order: 'grow'; readonly table: string }
  | { readonly order: 'count' }
  /** Answers with rows take so many milliseconds from now on. */
  | { readonly order: 'slow'; readonly rows: number }
  /** Begins to count anew. */
  | { readonly order: 'forget' };

export interface SourceCounts {
  /** Requests for rows. */
  readonly pages: number;
  /** All other requests. */
  readonly metadata: number;
  /** Bytes. */
  readonly largestPage: number;
  /** By the clock that all processes of a machine have in common, nanoseconds; null before it. */
  readonly firstRequestAt: string | null;
  /** Of requests with the token of a verification: how many, and when the first one for keys came, as above. */
  readonly verification: { readonly requests: number; readonly firstKeysAt: string | null };
  /** Requests for rows by access token. Each process of a measurement may have a token of its own. */
  readonly byToken: Readonly<Record<string, number>>;
  /** How many tables were asked for rows. */
  readonly tables: number;
}

/** The access token of a process whose requests are counted for themselves. */
export const VERIFIER = 'verify';

export function entitySet({ name }: SourceTable): string {
  return `${name}s`;
}
