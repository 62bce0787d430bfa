import type { Random } from '../seeding/random.ts';
import type { DataverseStore } from '../store/dataverse-store.ts';
import { byShare, inventPhone } from './companies.ts';
import { type Account, type Circumstances, inventContact } from './customers.ts';
import type { InventedOrganization } from './invented-organization.ts';
import { converted, moneyColumns } from './money.ts';
import { inventPerson } from './people.ts';
import type { InventedRow, Values } from './row-columns.ts';
import { decided, STAGES } from './sales.ts';
import { done } from './service.ts';

/** Makes the changes that people of the invented organization make in a day, one at a time. */
export class DailyWork {
  private readonly store: DataverseStore;
  private readonly organization: InventedOrganization;
  private readonly random: Random;
  private readonly now: () => number;
  /** Ids of tasks that were done, and that somebody may delete. */
  private readonly oldTasks: string[] = [];

  constructor(store: DataverseStore, organization: InventedOrganization, random: Random, now: () => number) {
    this.store = store;
    this.organization = organization;
    this.random = random;
    this.now = now;
  }

  /** What happens, and how often in about a hundred times. What cannot happen now lets a new row be made. */
  private readonly happenings: readonly (readonly [times: number, happen: () => boolean])[] = [
    [14, () => this.moveStage()],
    [6, () => this.decide()],
    [5, () => this.offer()],
    [16, () => this.changeContact()],
    [5, () => this.meetContact()],
    [8, () => this.changeAccount()],
    [5, () => this.hearOfLead()],
    [7, () => this.workOnLead()],
    [6, () => this.openCase()],
    [8, () => this.assignTask()],
    [15, () => this.workOnTaskOrCase()],
    [3, () => this.deleteTask()],
    [1, () => this.deleteLead()],
  ];

  /** Makes one change, or a few that belong together. */
  step(): void {
    const [, happen] = byShare(this.happenings, ([times]) => times, this.random);
    if (!happen()) this.openCase();
  }

  private get circumstances(): Circumstances {
    return this.organization.circumstances(this.now(), this.random);
  }

  private add(row: InventedRow): true {
    this.organization.write(row);
    return true;
  }

  /** Changes a row, unless it was deleted meanwhile. */
  private change(table: string, id: string, values: Values): true {
    if (this.store.data(table).rows.has(id)) this.store.update(table, id, values);
    return true;
  }

  private moveStage(): boolean {
    const open = this.random.pick(this.organization.opportunities);
    const [stepname, probability] = STAGES[open.stage + 1] ?? [];
    if (stepname === undefined || probability === undefined) return this.decide();
    open.stage += 1;
    return this.change('opportunity', open.id, { stepname, closeprobability: probability });
  }

  private decide(): boolean {
    const { opportunities } = this.organization;
    // A shop that sells all it has would end.
    if (opportunities.length < 2) return this.offer();
    const open = taken(opportunities, this.random);
    return this.change('opportunity', open.id, decided(open, this.random.chance(0.6), this.now()));
  }

  private offer(): boolean {
    return this.add(this.organization.opportunity(this.circumstances, this.someAccount(), { isNew: true }));
  }

  private changeContact(): boolean {
    const account = this.someAccount();
    const { contacts, company } = account;
    if (contacts.length === 0) return this.meetContact(account);
    const { id } = this.random.pick(contacts);
    const phone = inventPhone(company.city, this.random);
    if (phone !== null && this.random.chance(0.5)) return this.change('contact', id, { telephone1: phone });
    const { department, jobTitle } = inventPerson(company.region, this.random);
    return this.change('contact', id, { department, jobtitle: jobTitle });
  }

  private meetContact(account = this.someAccount()): boolean {
    return this.add(inventContact(this.circumstances, account, { isNew: true }));
  }

  private changeAccount(): boolean {
    const { id, company, currency } = this.someAccount();
    const factor = 0.9 + this.random.next() * 0.25;
    const lot = this.random.next();
    if (lot < 0.35) {
      return this.change('account', id, {
        numberofemployees: Math.max(1, Math.round(company.employees * factor)),
      });
    }
    if (lot < 0.65) {
      const revenue = converted(company.revenue * factor, currency, 1_000);
      return this.change('account', id, moneyColumns('revenue', revenue, currency));
    }
    if (lot < 0.8) return this.change('account', id, { creditonhold: this.random.chance(0.2) });
    return this.change('account', id, { accountcategorycode: this.random.pick([1, 2]) });
  }

  private hearOfLead(): boolean {
    return this.add(this.organization.lead(this.circumstances, true));
  }

  /** Contacts a lead; later the lead is given up, or becomes an opportunity of an account. */
  private workOnLead(): boolean {
    const { leads } = this.organization;
    if (leads.length === 0) return this.hearOfLead();
    const lead = this.random.pick(leads);
    if (!lead.isContacted) {
      lead.isContacted = true;
      return this.change('lead', lead.id, { statuscode: 2 });
    }
    leads.splice(leads.indexOf(lead), 1);
    if (this.random.chance(0.5)) return this.change('lead', lead.id, { statecode: 2, statuscode: 4 });
    const { row, account } = this.organization.account(this.circumstances, lead);
    this.add(row);
    this.meetContact(account);
    const contact = account.contacts[0];
    this.change('lead', lead.id, {
      statecode: 1,
      statuscode: 3,
      parentaccountid: account.id,
      parentcontactid: contact?.id ?? null,
    });
    return this.add(
      this.organization.opportunity(this.circumstances, account, { isNew: true, lead: lead.id }),
    );
  }

  private openCase(): boolean {
    return this.add(this.organization.incident(this.circumstances, this.someAccount(), true));
  }

  private assignTask(): boolean {
    const open = this.random.pick(this.organization.opportunities);
    const regarding = { table: 'opportunity', id: open.id, created: this.now() };
    return this.add(this.organization.task(this.circumstances, open.account, regarding, true));
  }

  private workOnTaskOrCase(): boolean {
    const { work } = this.organization;
    if (work.length === 0) return false;
    const open = this.random.pick(work);
    if (!open.isUnderWay && this.random.chance(0.4)) {
      open.isUnderWay = true;
      return this.change(
        open.table,
        open.id,
        open.table === 'task' ? { statuscode: 3, percentcomplete: 50 } : { statuscode: 2 },
      );
    }
    work.splice(work.indexOf(open), 1);
    if (open.table === 'task') this.oldTasks.push(open.id);
    return this.change(open.table, open.id, done(open, this.now()));
  }

  private deleteTask(): boolean {
    if (this.oldTasks.length === 0) return this.assignTask();
    this.store.remove('task', taken(this.oldTasks, this.random));
    return true;
  }

  /** Deletes a lead that came twice. Nothing refers to an open lead. */
  private deleteLead(): boolean {
    const { leads } = this.organization;
    if (leads.length === 0) return this.hearOfLead();
    this.store.remove('lead', taken(leads, this.random).id);
    return true;
  }

  private someAccount(): Account {
    return this.random.pick(this.organization.accounts);
  }
}

function taken<T>(items: T[], random: Random): T {
  const item = random.pick(items);
  items.splice(items.indexOf(item), 1);
  return item;
}
