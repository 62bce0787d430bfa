import { Random } from '../seeding/random.ts';
import type { DataverseStore } from '../store/dataverse-store.ts';
import { byShare, CompanyNames } from './companies.ts';
import { type Account, type Circumstances, type Contact, inventAccount, inventContact } from './customers.ts';
import { CURRENCIES, type Currency } from './money.ts';
import { DAY, timeText } from './moments.ts';
import type { InventedRow, Owner } from './row-columns.ts';
import { inventLead, inventOpportunity, type OpenLead, type OpenOpportunity } from './sales.ts';
import { inventCase, inventTask, type OpenWork, type Regarding } from './service.ts';
import { inventStaff, type Staff, type TeamName, type User } from './staff.ts';

/** How many rows of a hundred are in each of the large tables. */
const SHARES = { account: 20, contact: 32, lead: 10, opportunity: 12, incident: 12, task: 14 };

const TEAM_OF_COUNTRY: Readonly<Record<string, TeamName>> = {
  'United States': 'Sales Americas',
  Brasil: 'Sales Americas',
  日本: 'Sales Asia-Pacific',
};

/**
 * An organization that sells measuring instruments: its companies, people, sums and dates fit each other. The
 * same seed and the same time give the same rows.
 *
 * It remembers what the next changes can go on with: see `DailyWork`.
 */
export class InventedOrganization {
  readonly accounts: Account[] = [];
  readonly opportunities: OpenOpportunity[] = [];
  readonly leads: OpenLead[] = [];
  readonly work: OpenWork[] = [];
  readonly currencies: readonly Currency[];
  readonly staff: Staff;
  private readonly store: DataverseStore;
  private readonly names = new CompanyNames();
  private cases = 0;
  private accountNumber = 10_000;

  /** Writes about `rows` rows into the store. @param now the present of the organization: no row is younger. */
  constructor(store: DataverseStore, rows: number, now: number, random: Random = new Random(42)) {
    this.store = store;
    this.currencies = CURRENCIES.map((currency) => ({ ...currency, id: random.guid() }));
    this.staff = inventStaff(store.businessUnitId, this.currency('USD'), now, random);
    const written: InventedRow[] = [...this.currencyRows(now), ...this.staff.rows];
    const circumstances = this.circumstances(now, random);
    const count = (table: keyof typeof SHARES): number =>
      Math.max(1, Math.round((rows * SHARES[table]) / 100));
    const many = (table: keyof typeof SHARES, invent: () => InventedRow): void => {
      for (let made = 0; made < count(table); made += 1) written.push(invent());
    };
    many('account', () => this.account(circumstances).row);
    many('contact', () => inventContact(circumstances, random.pick(this.accounts)));
    written.push(...withPrimaryContacts(written.splice(0), this.accounts, random));
    many('lead', () => this.lead(circumstances));
    const about: Regarding[] = [];
    const noted = (row: InventedRow, account: Account): InventedRow => {
      about.push({ table: row.table, id: row.id, created: createdAt(row) });
      this.byAbout.set(row.id, account);
      return row;
    };
    many('opportunity', () => {
      const account = random.pick(this.accounts);
      return noted(this.opportunity(circumstances, account), account);
    });
    many('incident', () => {
      const account = random.pick(this.accounts);
      return noted(this.incident(circumstances, account), account);
    });
    many('task', () => {
      const regarding = random.pick(about);
      const account = this.byAbout.get(regarding.id) ?? random.pick(this.accounts);
      return this.task(circumstances, account, regarding);
    });
    this.byAbout.clear();
    // Row versions grow as time does.
    written.sort((a, b) => a.at - b.at);
    for (const row of written) this.write(row);
    if (store.has('new_untracked')) this.seedUntracked(Math.max(1, Math.round(rows / 200)), now, random);
  }

  private readonly byAbout = new Map<string, Account>();

  circumstances(now: number, random: Random): Circumstances {
    return { random, now, businessUnitId: this.store.businessUnitId };
  }

  write({ table, id, values }: InventedRow): void {
    this.store.insert(table, values, id);
  }

  user(team: TeamName, random: Random): User {
    return random.pick(this.staff.users.filter((user) => user.team === team));
  }

  /** Invents an account. @param lead the lead that it comes from, just now; without it the account is older. */
  account(
    circumstances: Circumstances,
    lead?: Pick<OpenLead, 'company' | 'owner'>,
  ): { readonly account: Account; readonly row: InventedRow } {
    const { random } = circumstances;
    const company = lead?.company ?? this.names.invent(random);
    const owner = lead?.owner ?? this.seller(company.region.country, random);
    this.accountNumber += 1;
    const parent = this.accounts.length > 0 && random.chance(0.06) ? random.pick(this.accounts) : undefined;
    const invented = inventAccount(circumstances, company, this.currency(company.region.currency), owner, {
      number: this.accountNumber,
      parent,
      isNew: lead !== undefined,
    });
    this.accounts.push(invented.account);
    return invented;
  }

  lead(circumstances: Circumstances, isNew = false): InventedRow {
    const { random } = circumstances;
    const account = !isNew && random.chance(0.3) ? random.pick(this.accounts) : undefined;
    const company = account?.company ?? this.names.invent(random);
    const contact: Contact | undefined = account?.contacts[0];
    const { row, open } = inventLead(
      circumstances,
      company,
      this.currency(company.region.currency),
      account?.owner ?? this.seller(company.region.country, random),
      { isNew, ...(account === undefined ? {} : { qualified: [account, contact] as const }) },
    );
    if (open !== undefined) this.leads.push(open);
    return row;
  }

  opportunity(
    circumstances: Circumstances,
    account: Account,
    options: { isNew?: boolean; lead?: string } = {},
  ): InventedRow {
    const { row, open } = inventOpportunity(circumstances, account, options);
    if (open !== undefined) this.opportunities.push(open);
    return row;
  }

  incident(circumstances: Circumstances, account: Account, isNew = false): InventedRow {
    const { random } = circumstances;
    this.cases += 1;
    const by = this.user('Customer Service', random);
    const team = this.staff.teams.get('Customer Service');
    const owner: Owner = team !== undefined && random.chance(isNew ? 0.6 : 0.1) ? { team } : { user: by };
    const { row, open } = inventCase(circumstances, account, { owner, by, number: this.cases, isNew });
    if (open !== undefined) this.work.push(open);
    return row;
  }

  task(circumstances: Circumstances, account: Account, regarding: Regarding, isNew = false): InventedRow {
    const by =
      regarding.table === 'incident' ? this.user('Customer Service', circumstances.random) : account.owner;
    const { row, open } = inventTask(circumstances, account, { regarding, by, isNew });
    if (open !== undefined) this.work.push(open);
    return row;
  }

  private seller(country: string, random: Random): User {
    return this.user(TEAM_OF_COUNTRY[country] ?? 'Sales Europe', random);
  }

  private currency(code: string): Currency {
    const found = this.currencies.find((currency) => currency.code === code);
    if (found === undefined) throw new Error(`No currency ${code}`);
    return found;
  }

  private currencyRows(now: number): InventedRow[] {
    return this.currencies.map(({ id, code, name, symbol, decimals, rate }, index) => {
      const at = now - (2_300 - index) * DAY;
      return {
        table: 'transactioncurrency',
        id,
        at,
        values: {
          currencyname: name,
          currencysymbol: symbol,
          isocurrencycode: code,
          currencyprecision: decimals,
          exchangerate: { number: rate },
          statecode: 0,
          statuscode: 1,
          createdon: timeText(at),
          modifiedon: timeText(at),
        },
      };
    });
  }

  /** Rows of the table that has no change tracking. */
  private seedUntracked(count: number, now: number, random: Random): void {
    for (let made = 0; made < count; made += 1) {
      const at = now - random.integer(1, 900) * DAY;
      this.store.insert(
        'new_untracked',
        {
          new_name: `Price list ${new Date(at).getUTCFullYear()}-${String(made + 1).padStart(3, '0')}`,
          new_amount: { number: (random.next() * 900).toFixed(10) },
          ownerid: { table: 'systemuser', id: random.pick(this.staff.users).id },
          statecode: 0,
          statuscode: 1,
          createdon: timeText(at),
          modifiedon: timeText(at),
        },
        random.guid(),
      );
    }
  }
}

/** Gives most accounts that have contacts one of them as the primary contact. */
function withPrimaryContacts(
  rows: readonly InventedRow[],
  accounts: readonly Account[],
  random: Random,
): InventedRow[] {
  const primary = new Map(
    accounts.flatMap(({ id, contacts }) =>
      contacts.length > 0 && random.chance(0.8) ? [[id, byShare(contacts, () => 1, random).id] as const] : [],
    ),
  );
  return rows.map((row) => {
    const contact = row.table === 'account' ? primary.get(row.id) : undefined;
    return contact === undefined ? row : { ...row, values: { ...row.values, primarycontactid: contact } };
  });
}

function createdAt({ values, at }: InventedRow): number {
  const created = values['createdon'];
  return typeof created === 'string' ? Date.parse(created) : at;
}
