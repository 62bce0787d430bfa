import { readableCount, readableNumber, readableSpan } from '../../model/readable-figures.ts';
import type { FailureSummary } from '../../model/failure.ts';
import type { RecentRun } from '../../mirror/state/outcomes.ts';
import type { BudgetStatus, StatusEntry } from '../status/mirror-status.ts';
import { markup, prose, type Html } from './markup.ts';
import type { PageState } from './page-state.ts';
import { timeTeller, type TellTime } from './shown-time.ts';
import { byNeed, wholeLine, worstNeed } from '../status/table-need.ts';
import { errorRoom, tableRow } from './table-row.ts';

/** The parts of the page that change, each by the id of its element. */
export interface PageParts {
  readonly sections: ReadonlyMap<string, Html>;
  /** Tables of each body, in their order; `apart` has the tables that are no longer configured. */
  readonly order: { readonly tables: readonly string[]; readonly apart: readonly string[] };
  readonly rows: ReadonlyMap<string, { readonly phase: string; readonly row: Html }>;
}

/** @param timeless leaves the ages to the script, so that a part is equal as long as only time passes. */
export function pageParts({ report, runs, trouble, now }: PageState, timeless: boolean): PageParts {
  const tell = timeTeller(timeless ? undefined : now);
  const tables = report?.tables ?? [];
  const configured = byNeed(tables.filter((entry) => entry.configured));
  const apart = byNeed(tables.filter((entry) => !entry.configured));
  const shown = errorRoom();
  const rows = [...configured, ...apart].map((entry) => {
    const error = entry.error === null ? null : shown(entry.error);
    return [entry.table, { phase: entry.phase, row: tableRow(entry, error, tell) }] as const;
  });
  return {
    sections: new Map([
      ['whole', whole(configured, report === undefined)],
      ['trouble', troubleNote(trouble)],
      ['budget', report === undefined ? markup`` : budget(report.budget, tell)],
      ['runs', markup`${runs.map((run) => runRow(run, tell))}`],
    ]),
    order: { tables: configured.map(({ table }) => table), apart: apart.map(({ table }) => table) },
    rows: new Map(rows),
  };
}

function whole(tables: readonly StatusEntry[], isUnknown: boolean): Html {
  if (isUnknown) return markup`<b data-p=new></b>The tables are not known yet`;
  return markup`<b data-p="${worstNeed(tables)}"></b>${wholeLine(tables)}`;
}

function troubleNote(trouble: FailureSummary | null): Html {
  if (trouble === null) return markup``;
  const { code, message, remedy } = trouble;
  return markup`<p class=error><code>${code}</code> ${prose(message)} <em>${prose(remedy)}</em></p>`;
}

function budget(budgetStatus: BudgetStatus, tell: TellTime): Html {
  const { requestsIn5Minutes: used, limit, throttledUntil, requestsIn24Hours, requestsPerDay } = budgetStatus;
  const bar = markup`<progress max="${limit}" value="${Math.min(limit, used)}" aria-label="API requests in the last 5 minutes"></progress>`;
  const text = `${readableNumber(used)} of ${readableCount(limit, 'request')} in the last 5 minutes`;
  const ofDay = requestsPerDay === null ? '' : ` of ${readableNumber(requestsPerDay)}`;
  const day = `${readableNumber(requestsIn24Hours)}${ofDay} in the last 24 hours`;
  return markup`${bar}<p>${text}<p>${day}${throttledUntil === null ? null : throttle(throttledUntil, tell)}`;
}

function throttle(until: string, tell: TellTime): Html {
  return markup`<p class=throttled><b>throttled</b> until ${new Date(until).toISOString().slice(11, 19)} UTC (${tell(until)}), as the environment asked`;
}

function runRow(run: RecentRun, tell: TellTime): Html {
  const { table, phase, startedAt, finishedAt, rowsWritten, rowsDeleted, rowsQuarantined, errorCode } = run;
  const seconds = (finishedAt.getTime() - startedAt.getTime()) / 1_000;
  const took = seconds < 1 ? `${Math.round(1_000 * seconds)} ms` : readableSpan(seconds);
  const did = [
    [rowsWritten, 'written'],
    [rowsDeleted, 'deleted'],
    [rowsQuarantined, 'in quarantine'],
  ] as const;
  const said = did.flatMap(([rows, how]) => (rows === 0 ? [] : [`${readableNumber(rows)} ${how}`]));
  const rows = said.length === 0 ? 'no rows' : said.join(', ');
  const end = errorCode === null ? null : markup` <code>${errorCode}</code>`;
  return markup`<tr><th scope=row>${table}<td>${phase}, ${rows}${end}<td>${took}<td>${tell(finishedAt)}`;
}
