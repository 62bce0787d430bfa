import type { Random } from '../seeding/random.ts';
import { ACCOUNT_NOTES } from './catalogue.ts';
import { addressOf, byShare, type Company, inventPhone, placeOf } from './companies.ts';
import { converted, type Currency, moneyColumns } from './money.ts';
import { DAY, dateText, timeText } from './moments.ts';
import { inventMobile, inventPerson } from './people.ts';
import type { Industry } from './regions/region.ts';
import {
  auditColumns,
  currencyColumns,
  inventLifetime,
  type InventedRow,
  ownerColumns,
  type Values,
} from './row-columns.ts';
import type { User } from './staff.ts';

const INDUSTRY_CODES: Readonly<Record<Industry, number>> = {
  accounting: 1,
  services: 6,
  consulting: 7,
  engineering: 12,
  food: 17,
  insurance: 20,
  transport: 30,
  wholesale: 33,
};

/** What other rows need to know of an account. */
export interface Account {
  readonly id: string;
  readonly company: Company;
  readonly currency: Currency;
  readonly owner: User;
  readonly created: number;
  readonly contacts: Contact[];
}

export interface Contact {
  readonly id: string;
  readonly name: string;
  readonly created: number;
}

/** What rows are invented from. */
export interface Circumstances {
  readonly random: Random;
  readonly now: number;
  readonly businessUnitId: string;
}

const YEAR = 365 * DAY;

/** @param parent the group that the company belongs to. */
export function inventAccount(
  { random, now, businessUnitId }: Circumstances,
  company: Company,
  currency: Currency,
  owner: User,
  { number, parent, isNew = false }: { number: number; parent?: Account | undefined; isNew?: boolean },
): { readonly account: Account; readonly row: InventedRow } {
  const { created, modified } = isNew
    ? { created: now, modified: now }
    : inventLifetime(now - 6 * YEAR * random.next(), now, random);
  const id = random.guid();
  const onHold = random.chance(0.02);
  const isActive = isNew || random.chance(0.94);
  const values: Values = {
    name: company.name,
    accountnumber: `A-${number}`,
    emailaddress1: `info@${company.domain}`,
    telephone1: inventPhone(company.city, random),
    websiteurl: `https://www.${company.domain}`,
    description: random.chance(0.2) ? random.pick(ACCOUNT_NOTES) : null,
    ...moneyColumns('revenue', converted(company.revenue, currency, 1_000), currency),
    ...(random.chance(0.7)
      ? moneyColumns(
          'creditlimit',
          converted(Math.min(company.revenue / 200, 250_000), currency, 500),
          currency,
        )
      : {}),
    numberofemployees: company.employees,
    new_visitduration: random.chance(0.4) ? random.pick([45, 60, 90, 120, 240]) : null,
    new_score: { number: `${random.integer(12, 98)}.${random.integer(0, 9)}000000000` },
    new_discount: random.chance(0.5) ? { number: random.pick(['2.5', '3.0', '5.0', '7.5', '10.0']) } : null,
    new_ledgernumber: 10_000_000 + number,
    accountcategorycode: company.revenue > 20_000_000 || random.chance(0.15) ? 1 : 2,
    industrycode: INDUSTRY_CODES[company.industry],
    new_region: company.city.side,
    creditonhold: onHold,
    lastonholdtime: onHold ? timeText(modified) : null,
    donotemail: random.chance(0.08),
    new_founded: dateText(Math.min(created, now - (2 + 70 * random.next() ** 2) * YEAR)),
    new_opensat: random.chance(0.3) ? `2020-01-01T0${random.integer(6, 9)}:00:00Z` : null,
    parentaccountid: parent?.id ?? null,
    ...addressOf(company, random),
    ...placeOf(company, random),
    new_revenueperemployee: { number: (company.revenue / company.employees).toFixed(4) },
    ...currencyColumns(currency),
    ...ownerColumns({ user: owner }, businessUnitId),
    statecode: isActive ? 0 : 1,
    statuscode: isActive ? 1 : 2,
    ...auditColumns(created, modified, owner),
  };
  const account: Account = { id, company, currency, owner, created, contacts: [] };
  return { account, row: { table: 'account', id, values, at: modified } };
}

/** Invents a person who works at the account, and adds the person to the account's contacts. */
export function inventContact(
  { random, now, businessUnitId }: Circumstances,
  account: Account,
  { isNew = false } = {},
): InventedRow {
  const { company, currency, owner } = account;
  const person = inventPerson(company.region, random);
  const { created, modified } = isNew
    ? { created: now, modified: now }
    : inventLifetime(account.created, now, random);
  const id = random.guid();
  const isActive = isNew || random.chance(0.93);
  const namesake = account.contacts.some(({ name }) => name === person.fullName) ? '2' : '';
  const values: Values = {
    fullname: person.fullName,
    firstname: person.firstName,
    lastname: person.lastName,
    salutation: random.chance(0.6) ? person.salutation : null,
    jobtitle: person.jobTitle,
    department: person.department,
    emailaddress1: `${person.mailName}${namesake}@${company.domain}`,
    telephone1: inventPhone(company.city, random),
    mobilephone: random.chance(0.6) ? inventMobile(company.region, random) : null,
    websiteurl: null,
    description: null,
    birthdate: random.chance(0.15) ? dateText(now - (24 + random.next() * 40) * YEAR) : null,
    lastusedincampaign: random.chance(0.3) ? timeText(created + (modified - created) * random.next()) : null,
    gendercode: person.isWoman ? 2 : 1,
    preferredcontactmethodcode: byShare([1, 2, 3], (code) => (code === 2 ? 6 : 2), random),
    new_region: company.city.side,
    donotemail: random.chance(0.06),
    donotphone: random.chance(0.04),
    creditonhold: false,
    merged: false,
    parentcustomerid: { table: 'account', id: account.id },
    preferredsystemuserid: random.chance(0.3) ? owner.id : null,
    ...addressOf(company, random),
    ...placeOf(company, random),
    ...currencyColumns(currency),
    ...ownerColumns({ user: owner }, businessUnitId),
    statecode: isActive ? 0 : 1,
    statuscode: isActive ? 1 : 2,
    ...auditColumns(created, modified, owner),
  };
  account.contacts.push({ id, name: person.fullName, created });
  return { table: 'contact', id, values, at: modified };
}
