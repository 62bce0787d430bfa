import { changedRows, preparedPlace } from '../rows/changed-rows.ts';
import { PreparedRows } from '../rows/prepared-rows.ts';
import { Rotation } from '../rows/rotation.ts';
import { VARIETY } from '../rows/values.ts';
import { API_PATH } from './metadata.ts';
import { entitySet, type SourceTable } from './table.ts';

const LARGEST_PAGE = 5_000;

/** The parts of an answer, and the function that the server calls once they are sent. */
export interface PageAnswer {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly sent: () => void;
}

export interface Pages {
  /** The page that a request asks for, of so many rows at most. */
  answer(table: SourceTable, origin: string, query: URLSearchParams, size: number): PageAnswer;
  /** So many rows of a table change. */
  change(table: SourceTable, rows: number): void;
}

const HEAD = Buffer.from('{"@odata.context":"#rows","value":[');

/** Pages of the tables' rows, prepared as far as they are alike. */
export function createPages(): Pages {
  const prepared = new Map<number, Rotation>();
  const changes = new Map<string, number[]>();

  const rotationOf = ({ columns }: SourceTable): Rotation => {
    let rotation = prepared.get(columns);
    if (rotation === undefined) {
      // Wherever a page begins among the different rows, it is there in one piece.
      rotation = new Rotation(PreparedRows.json(columns, LARGEST_PAGE + VARIETY));
      prepared.set(columns, rotation);
    }
    return rotation;
  };

  return {
    answer(table, origin, query, size) {
      const made = changes.get(table.name) ?? [];
      const token = query.get('$deltatoken');
      // Of several changes that are asked for at once only the last one comes.
      const isDelta = token !== null;
      const since = isDelta ? Number(token) : 0;
      const changed = changedRows(table.rows, made.length > since ? (made.at(-1) ?? 0) : 0);
      const total = isDelta ? changed.count : table.rows;
      const from = Number(query.get('$skiptoken') ?? 0);
      const to = Math.min(total, from + Math.min(size, LARGEST_PAGE));
      const base = `${origin}${API_PATH}${entitySet(table)}`;
      const delta = isDelta ? `$deltatoken=${since}&` : '';
      const link =
        to < total
          ? `"@odata.nextLink":"${base}?${delta}$skiptoken=${to}"`
          : `"@odata.deltaLink":"${base}?$deltatoken=${made.length}"`;
      const tail = Buffer.from(`],${link}}`);
      if (to <= from) {
        return { parts: [HEAD, tail], bytes: HEAD.length + tail.length, sent: () => undefined };
      }
      const rotation = rotationOf(table);
      const rows = rotation.take();
      const count = isDelta ? made.length : 0;
      const rowAt = isDelta ? (at: number) => changed.row(from + at) : (at: number) => from + at;
      const body = rows.write(preparedPlace(from, count), to - from, rowAt, count).subarray(1);
      return {
        parts: [HEAD, body, tail],
        bytes: HEAD.length + body.length + tail.length,
        sent: () => rotation.give(rows),
      };
    },
    change(table, rows) {
      changes.set(table.name, [...(changes.get(table.name) ?? []), rows]);
    },
  };
}
