import { anyArticle, CASE_NOTES, CASE_TITLES, TASK_SUBJECTS } from './catalogue.ts';
import { byShare } from './companies.ts';
import type { Account, Circumstances, Contact } from './customers.ts';
import { DAY, HOUR, timeText, workMoment } from './moments.ts';
import { auditColumns, type InventedRow, type Owner, ownerColumns, type Values } from './row-columns.ts';
import type { User } from './staff.ts';
import { filled } from './wording.ts';

/** Without I and O, which look like digits. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ';

/** A case or a task that is not done yet. */
export interface OpenWork {
  readonly table: 'incident' | 'task';
  readonly id: string;
  isUnderWay: boolean;
}

/** Invents a case of a customer. @param number makes the case number; each case has its own. */
export function inventCase(
  { random, now, businessUnitId }: Circumstances,
  account: Account,
  { owner, by, number, isNew = false }: { owner: Owner; by: User; number: number; isNew?: boolean },
): { readonly row: InventedRow; readonly open?: OpenWork } {
  const id = random.guid();
  const contact: Contact | undefined =
    account.contacts.length === 0 ? undefined : random.pick(account.contacts);
  const created = isNew ? now : workMoment(random, Math.max(account.created, now - 600 * DAY), now - HOUR);
  const age = now - created;
  const isOpen = isNew || random.chance(age > 30 * DAY ? 0.03 : 0.7);
  const modified = isNew
    ? now
    : workMoment(random, created, isOpen ? now : Math.min(now, created + 25 * DAY));
  const isEscalated = !isNew && random.chance(0.06);
  const isOnHold = isOpen && !isNew && random.chance(0.3);
  const isCanceled = !isOpen && random.chance(0.07);
  const own = CASE_TITLES[account.company.region.country] ?? [];
  const titles = own.length > 0 && random.chance(0.5) ? own : (CASE_TITLES[''] ?? own);
  const order = `SO-${random.integer(20_000, 49_999)}`;
  const letters = Array.from({ length: 4 }, () => LETTERS.charAt(random.integer(0, 23))).join('');
  const values: Values = {
    title: filled(random.pick(titles), { article: anyArticle(random), order }),
    ticketnumber: `CAS-${String(number).padStart(5, '0')}-${letters}`,
    description: random.chance(0.3) ? random.pick(CASE_NOTES) : null,
    prioritycode: isEscalated ? 1 : byShare([1, 2, 3], (code) => (code === 2 ? 6 : 2), random),
    caseorigincode: random.pick([1, 2, 2, 3]),
    isescalated: isEscalated,
    merged: false,
    escalatedon: isEscalated ? timeText(created + (modified - created) * random.next()) : null,
    followupby: isOpen ? timeText(now + random.integer(1, 14) * DAY) : null,
    influencescore: { number: (random.next() * 100).toFixed(2) },
    onholdtime: isOnHold ? random.integer(30, 4_000) : 0,
    customerid:
      contact !== undefined && random.chance(0.15)
        ? { table: 'contact', id: contact.id }
        : { table: 'account', id: account.id },
    primarycontactid: contact?.id ?? null,
    ...ownerColumns(owner, businessUnitId),
    statecode: isOpen ? 0 : isCanceled ? 2 : 1,
    statuscode: isOpen ? (isOnHold ? 2 : 1) : isCanceled ? 6 : 5,
    ...auditColumns(created, modified, by),
  };
  const row = { table: 'incident', id, values, at: modified };
  return isOpen ? { row, open: { table: 'incident', id, isUnderWay: isOnHold } } : { row };
}

/** What a task is about. */
export interface Regarding {
  readonly table: string;
  readonly id: string;
  /** When it was created; the task is younger. */
  readonly created: number;
}

/** Invents something that somebody has to do for an account. */
export function inventTask(
  { random, now, businessUnitId }: Circumstances,
  account: Account,
  { regarding, by, isNew = false }: { regarding: Regarding; by: User; isNew?: boolean },
): { readonly row: InventedRow; readonly open?: OpenWork } {
  const id = random.guid();
  const created = isNew ? now : workMoment(random, Math.max(regarding.created, now - 400 * DAY), now - HOUR);
  const due = workMoment(random, created + DAY, created + 30 * DAY);
  const isOpen = isNew || random.chance(due < now ? 0.05 : 0.7);
  const isUnderWay = isOpen && !isNew && random.chance(0.3);
  const isCanceled = !isOpen && random.chance(0.06);
  const modified = isNew ? now : workMoment(random, created, isOpen ? now : Math.min(now, due + 2 * DAY));
  const [category, subject] = random.pick(TASK_SUBJECTS);
  const person = account.contacts.length === 0 ? account.company.name : random.pick(account.contacts).name;
  const minutes = random.pick([15, 30, 45, 60, 120]);
  const values: Values = {
    subject: filled(subject, { person, company: account.company.name }).slice(0, 200),
    activitytypecode: 'task',
    category,
    actualdurationminutes: isOpen || isCanceled ? null : minutes,
    scheduleddurationminutes: minutes,
    scheduledstart: timeText(Math.min(due, created + DAY)),
    scheduledend: timeText(due),
    actualend: isOpen ? null : timeText(modified),
    isbilled: false,
    isregularactivity: true,
    prioritycode: byShare([0, 1, 2], (code) => (code === 1 ? 7 : 2), random),
    percentcomplete: isOpen ? (isUnderWay ? random.pick([25, 50, 75]) : 0) : isCanceled ? 0 : 100,
    regardingobjectid: { table: regarding.table, id: regarding.id },
    ...ownerColumns({ user: by }, businessUnitId),
    statecode: isOpen ? 0 : isCanceled ? 2 : 1,
    statuscode: isOpen ? (isUnderWay ? 3 : 2) : isCanceled ? 6 : 5,
    ...auditColumns(created, modified, by),
  };
  const row = { table: 'task', id, values, at: modified };
  return isOpen ? { row, open: { table: 'task', id, isUnderWay } } : { row };
}

/** What changes when a case or a task is done at the moment `now`. */
export function done({ table }: OpenWork, now: number): Values {
  const common = { statecode: 1, statuscode: 5, modifiedon: timeText(now) };
  if (table === 'incident') return { ...common, followupby: null };
  return { ...common, percentcomplete: 100, actualend: timeText(now) };
}
