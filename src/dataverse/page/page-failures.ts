import { Failure } from '../../model/failure.ts';

/**
 * A cache on the way that mixes up addresses may answer with another row. That row would be stored, and the
 * requested row would be taken for gone.
 */
export function anotherRow(table: string): Failure {
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'retry',
    message: `A request for a row of table ${table} was answered with another row, or with one that has no key.`,
    remedy: 'Find the cache or proxy on the way to the environment that answers in its place.',
    details: { table },
  });
}

/** The failure of pages that time out however few rows they have. */
export function keepsTimingOut(table: string, rows: number, cause: Failure): Failure {
  return new Failure({
    code: 'page-timed-out',
    message: `Pages of table ${table} time out, even with only ${rows} rows.`,
    remedy: `See whether the environment is under load; if it lasts, leave calculated columns out (columns.exclude of table ${table}).`,
    cause,
    details: cause.details,
  });
}

/** A link keeps its selection, so only a new load gets a link with fewer calculated columns. */
export function linkTooWide(table: string, cause: unknown): Failure {
  return new Failure({
    code: 'link-too-wide',
    message: `The link of table ${table} names more calculated columns than the environment allows.`,
    cause,
    details: { table },
  });
}

/** Null if a request for a single row is answered with 404, which means that the row is gone. */
export async function unlessGone<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    // Any other code means a missing privilege, or an answer of something other than the Web API.
    const isRefused = error instanceof Failure && error.code === 'request-refused';
    if (isRefused && error.details['status'] === 404) return null;
    throw error;
  }
}
