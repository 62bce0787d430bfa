import { loadShare, progressText, rowsText } from '../../model/load-progress.ts';
import { readableCount, readableNumber } from '../../model/readable-figures.ts';
import type { FailureSummary } from '../../model/failure.ts';
import type { StatusEntry } from '../status/mirror-status.ts';
import { differText, standstillText } from '../status/table-need.ts';
import { markup, prose, type Html } from './markup.ts';
import { clockTime, type TellTime } from './shown-time.ts';

/** Characters of all messages and remedies on the page. Two hundred failing tables must not make a page of megabytes. */
const ERROR_ROOM = 10_000;
/** Characters of one message or remedy. */
const LONGEST_TEXT = 400;

/** Says how much of an error is shown. The first tables need somebody most, so their errors are shown in full. */
export function errorRoom(): (error: FailureSummary) => FailureSummary {
  let left = ERROR_ROOM;
  return ({ code, message, remedy }) => {
    left -= message.length + remedy.length;
    if (left < 0) return { code, message: '', remedy: '' };
    return { code, message: cut(message), remedy: cut(remedy) };
  };
}

function cut(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
}

/**
 * One table, as a row and a row of notes if there is something to say. Optional end tags are left out, because a page
 * of two hundred tables stays below 60 kB.
 *
 * @param error what is shown of the table's error.
 */
export function tableRow(entry: StatusEntry, error: FailureSummary | null, tell: TellTime): Html {
  const { table, phase, lastSuccessAt } = entry;
  const notes = [
    standstillNote(entry),
    loadNote(entry),
    pauseNote(entry, tell),
    errorNote(error),
    differenceNote(entry),
    quarantineNote(entry),
  ];
  const said = notes.filter((note) => note !== null);
  const isOdd = (error !== null || standstillText(entry) !== null) && !SPOKEN.has(phase);
  const mark = isOdd ? markup` class=odd` : null;
  const time = lastSuccessAt === null ? markup`<i>never</i>` : tell(lastSuccessAt);
  const notesRow = said.length === 0 ? null : markup`<tr><td colspan=5>${said}`;
  return markup`<tbody data-p="${phase}"${mark}><tr><th scope=row>${table}<td><b>${phase}</b><td>${time}<td>${rows(entry)}<td>${proof(entry)}${notesRow}`;
}

/** Phases that say by themselves that something is wrong. */
const SPOKEN: ReadonlySet<string> = new Set(['failed', 'attention', 'paused']);

function rows({ rows: stored, rowsLoaded, rowsExpected }: StatusEntry): string {
  return rowsLoaded === null
    ? readableNumber(stored)
    : rowsText({ rowsLoaded, rowsExpected }).replace(/ rows?$/, '');
}

/** As a time of the clock, because the last verification is mostly hours ago, and an age would need more characters. */
function proof({ verified }: StatusEntry): string | null {
  return verified && `${clockTime(verified.at).replace(' UTC', '')} ${verified.method}`;
}

function standstillNote(entry: StatusEntry): Html | null {
  const text = standstillText(entry);
  return text === null ? null : markup`<p>${prose(text)}`;
}

function loadNote({ table, rowsLoaded, rowsExpected, etaSeconds }: StatusEntry): Html | null {
  if (rowsLoaded === null) return null;
  const share = loadShare({ rowsLoaded, rowsExpected });
  const { percent } = share;
  const text = progressText({ ...share, etaSeconds });
  const bar =
    percent === null ? null : markup`<progress max=100 value="${percent}" aria-label="${table}"></progress> `;
  return markup`<p class=load>${bar}${text}`;
}

function pauseNote({ paused }: StatusEntry, tell: TellTime): Html | null {
  if (paused === null) return null;
  const { since, until, reason } = paused;
  const end =
    until === null ? markup` until somebody resumes it` : markup` until ${clockTime(until)} (${tell(until)})`;
  return markup`<p>Paused ${tell(since)},${end}${reason === null ? '.' : markup`: <q>${reason}</q>`}`;
}

function errorNote(error: FailureSummary | null): Html | null {
  if (error === null) return null;
  const { code, message, remedy } = error;
  const way = remedy === '' ? null : markup` <em>${prose(remedy)}</em>`;
  return markup`<p class=error><code>${code}</code> ${prose(message)}${way}`;
}

function differenceNote({ table, verified }: StatusEntry): Html | null {
  if (verified === null || verified.differences === 0) return null;
  return markup`<p>${differText(verified.differences)}: <code>mirrorverse verify ${table}</code>`;
}

function quarantineNote({ table, quarantined }: StatusEntry): Html | null {
  if (quarantined === 0) return null;
  const rowsThere = `${readableCount(quarantined, 'row')} in quarantine`;
  return markup`<p>${rowsThere}: <code>mirrorverse quarantine ${table}</code>`;
}
