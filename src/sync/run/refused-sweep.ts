import type { PageSource } from '../../dataverse/feed/change-feed.ts';
import type { RefusedSweep } from '../../mirror/page/page-step.ts';
import type { PageWriter } from '../../mirror/page/page-writer.ts';
import { Failure } from '../../model/failure.ts';

/** Which run made the load that the sweep ends. */
export type LoadedIn = 'this run' | 'an earlier run';

/**
 * The failure of a run whose sweep was refused. The run reads some of the rows again that the sweep would
 * have deleted. A row that still lives proves that the load was incomplete: the run forgets that load, and
 * the table is loaded anew, whatever a person has approved. It is not loaded at once after a load of the
 * same run, which would bring no more. Where no such row lives, a person has to approve that the rows go.
 *
 * @returns `load-incomplete`, of class `rebaseline` unless this run made the load; or `sweep-refused`.
 * @throws Failure when the source cannot be asked.
 */
export async function examineRefusedSweep(
  refused: RefusedSweep,
  loadedIn: LoadedIn,
  source: Pick<PageSource, 'readRow'>,
  writer: PageWriter,
  signal: AbortSignal,
): Promise<Failure> {
  const found = await Promise.all(
    refused.sample.map(async (id) => {
      try {
        return (await source.readRow(id, signal)) === null ? 'gone' : 'there';
      } catch (error) {
        if (error instanceof Failure && error.details['status'] === 403) return 'denied';
        throw error;
      }
    }),
  );
  if (!found.includes('there')) return sweepRefused(refused, found.includes('denied'));
  await writer.forgetLoad(signal);
  return loadIncomplete(refused, loadedIn);
}

function sweepRefused({ table, unseen, rows }: RefusedSweep, denied: boolean): Failure {
  const cause = denied
    ? ' The signed-in identity may not read some of them: most likely it lacks a privilege.'
    : '';
  return new Failure({
    code: 'sweep-refused',
    message: `The last re-baseline of table ${table} did not see ${unseen} of ${rows} rows. They stay until you confirm that mirrorverse may delete them.${cause}`,
    remedy: `Give the application user's security role organization-level Read on the table; it is then loaded anew by itself. If the rows are gone at the source, \`mirrorverse plan ${table} --apply\` lets the next run delete them.`,
    details: { table, unseen, rows },
  });
}

function loadIncomplete({ table, unseen, rows }: RefusedSweep, loadedIn: LoadedIn): Failure {
  return new Failure({
    code: 'load-incomplete',
    reaction: loadedIn === 'this run' ? 'stop-table' : 'rebaseline',
    message: `The last re-baseline of table ${table} did not bring ${unseen} of ${rows} rows, and some of these rows are still at the source; nothing was deleted.`,
    remedy:
      "Check that the application user's security role has organization-level Read on the table; it is loaded anew by itself.",
    details: { table, unseen, rows },
  });
}
