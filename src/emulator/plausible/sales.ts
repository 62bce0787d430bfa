import { inventOffer } from './catalogue.ts';
import { addressOf, type Company, inventPhone } from './companies.ts';
import type { Account, Circumstances, Contact } from './customers.ts';
import { converted, type Currency, moneyColumns } from './money.ts';
import { DAY, dateText, timeText, workMoment } from './moments.ts';
import { inventPerson } from './people.ts';
import {
  auditColumns,
  currencyColumns,
  inventLifetime,
  type InventedRow,
  ownerColumns,
  type Values,
} from './row-columns.ts';
import type { User } from './staff.ts';

/** The stages of a sale, with the probability that it is won. */
export const STAGES: readonly (readonly [stepname: string, probability: number])[] = [
  ['1-Qualify', 20],
  ['2-Develop', 40],
  ['3-Propose', 60],
  ['4-Close', 80],
];

/** An opportunity that is not decided yet. */
export interface OpenOpportunity {
  readonly id: string;
  readonly account: Account;
  readonly amount: number;
  stage: number;
}

/** A lead that nobody has qualified or given up. */
export interface OpenLead {
  readonly id: string;
  readonly company: Company;
  readonly currency: Currency;
  readonly owner: User;
  isContacted: boolean;
}

/** Invents an opportunity of an account. */
export function inventOpportunity(
  { random, now, businessUnitId }: Circumstances,
  account: Account,
  { isNew = false, lead }: { isNew?: boolean; lead?: string | undefined } = {},
): { readonly row: InventedRow; readonly open?: OpenOpportunity } {
  const { currency, owner, company } = account;
  const id = random.guid();
  const contact = account.contacts.length === 0 ? undefined : random.pick(account.contacts);
  const created = isNew ? now : workMoment(random, Math.max(account.created, now - 800 * DAY), now - DAY);
  const age = now - created;
  // What is older than some months is decided.
  const isOpen = isNew || random.chance(age > 300 * DAY ? 0.04 : age > 120 * DAY ? 0.4 : 0.85);
  const isWon = !isOpen && random.chance(0.58);
  const stage = isNew ? 0 : isOpen ? Math.min(3, Math.floor(random.next() * (1 + age / (25 * DAY)))) : 3;
  const [stepname, probability] = STAGES[stage] ?? ['1-Qualify', 20];
  const offer = inventOffer(company.city.name, new Date(created).getUTCFullYear() + 1, random);
  const list = converted(offer.price, currency);
  const discount = random.chance(0.3) ? random.pick([3, 5, 7.5, 10, 12]) : 0;
  const total = Math.round(list * (100 - discount)) / 100;
  const closed = isOpen
    ? undefined
    : workMoment(random, created + age * 0.1, created + Math.min(age, 200 * DAY));
  const modified =
    closed ?? (isNew ? now : workMoment(random, created + age * (1 - random.next() ** 2), now));
  const expected = closed ?? Math.max(created + 20 * DAY, now + (random.next() * 120 - 10) * DAY);
  const values: Values = {
    name: offer.topic,
    description: random.chance(0.15) ? `Price is valid until ${dateText(expected)}.` : null,
    stepname,
    ...moneyColumns('estimatedvalue', total, currency),
    ...(isOpen ? {} : moneyColumns('actualvalue', isWon ? total : 0, currency)),
    ...moneyColumns('totalamount', total, currency),
    discountpercentage: { number: discount.toFixed(2) },
    closeprobability: isWon ? 100 : isOpen ? probability : 0,
    estimatedclosedate: dateText(expected + (isOpen ? 0 : (random.next() * 20 - 10) * DAY)),
    actualclosedate: closed === undefined ? null : dateText(closed),
    salesstagecode: 1,
    purchasetimeframe: isOpen ? random.pick([0, 1, 1, 4]) : null,
    isrevenuesystemcalculated: false,
    customerid: { table: 'account', id: account.id },
    parentaccountid: account.id,
    parentcontactid: contact?.id ?? null,
    originatingleadid: lead ?? null,
    ...currencyColumns(currency),
    ...ownerColumns({ user: owner }, businessUnitId),
    statecode: isOpen ? 0 : isWon ? 1 : 2,
    statuscode: isOpen ? 1 : isWon ? 3 : 4,
    ...auditColumns(created, modified, owner),
  };
  const row = { table: 'opportunity', id, values, at: modified };
  return isOpen ? { row, open: { id, account, amount: total, stage } } : { row };
}

/**
 * Invents somebody who asked for an offer.
 *
 * @param qualified the account and the contact that the lead became; without them it is open or lost.
 */
export function inventLead(
  { random, now, businessUnitId }: Circumstances,
  company: Company,
  currency: Currency,
  owner: User,
  { isNew = false, qualified }: { isNew?: boolean; qualified?: readonly [Account, Contact | undefined] } = {},
): { readonly row: InventedRow; readonly open?: OpenLead } {
  const id = random.guid();
  const person = inventPerson(company.region, random);
  const offer = inventOffer(company.city.name, new Date(now).getUTCFullYear() + 1, random);
  const [account, contact] = qualified ?? [];
  const { created, modified } = isNew
    ? { created: now, modified: now }
    : inventLifetime(account?.created ?? now - 500 * DAY, now, random);
  const isOpen = account === undefined && (isNew || random.chance(now - created > 120 * DAY ? 0.15 : 0.8));
  const isContacted = isOpen && !isNew && random.chance(0.5);
  const values: Values = {
    fullname: person.fullName,
    firstname: person.firstName,
    lastname: person.lastName,
    subject: offer.topic,
    companyname: company.name,
    emailaddress1: `${person.mailName}@${company.domain}`,
    telephone1: inventPhone(company.city, random),
    description: random.chance(0.2) ? 'Found us on the web. Wants an offer this month.' : null,
    ...(random.chance(0.5)
      ? moneyColumns('budgetamount', converted(offer.price, currency, 500), currency)
      : {}),
    new_probability: { number: (random.integer(5, 90) / 100).toFixed(6) },
    estimatedclosedate: isOpen ? dateText(now + random.integer(10, 150) * DAY) : dateText(modified),
    leadsourcecode: random.pick([1, 3, 8, 8]),
    decisionmaker: random.chance(0.35),
    parentaccountid: account?.id ?? null,
    parentcontactid: contact?.id ?? null,
    ...addressOf(company, random),
    ...currencyColumns(currency),
    ...ownerColumns({ user: owner }, businessUnitId),
    statecode: isOpen ? 0 : account === undefined ? 2 : 1,
    statuscode: isOpen ? (isContacted ? 2 : 1) : account === undefined ? 4 : 3,
    ...auditColumns(created, modified, owner),
  };
  const row = { table: 'lead', id, values, at: modified };
  return isOpen ? { row, open: { id, company, currency, owner, isContacted } } : { row };
}

/** What changes when an opportunity is decided at the moment `now`. */
export function decided(open: OpenOpportunity, isWon: boolean, now: number): Values {
  return {
    ...moneyColumns('actualvalue', isWon ? open.amount : 0, open.account.currency),
    closeprobability: isWon ? 100 : 0,
    actualclosedate: dateText(now),
    stepname: '4-Close',
    statecode: isWon ? 1 : 2,
    statuscode: isWon ? 3 : 4,
    modifiedon: timeText(now),
  };
}
