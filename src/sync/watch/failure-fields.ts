import type { Failure } from '../../model/failure.ts';

/** What a line of a table's logger tells of a failure; the table is told by the logger, and once is enough. */
export function failureFields({ code, details }: Failure): Record<string, unknown> {
  const { table: _, ...others } = details;
  return { ...others, code };
}
