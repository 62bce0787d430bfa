import type { Random } from '../seeding/random.ts';
import type { WireInput } from '../store/wire-value.ts';
import type { Currency } from './money.ts';
import { DAY, timeText } from './moments.ts';
import type { InventedRow } from './row-columns.ts';
import { latin } from './wording.ts';

/** The organization whose environment this is. */
const DOMAIN = 'marsh-instruments.example';

export type TeamName = 'Sales Americas' | 'Sales Europe' | 'Sales Asia-Pacific' | 'Customer Service';

/** A user who owns rows. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly team: TeamName | null;
}

export interface Team {
  readonly id: string;
  readonly name: string;
}

interface Hired {
  readonly name: readonly [first: string, last: string];
  readonly title: string;
  readonly team: TeamName | null;
  readonly phone: string;
  readonly city: readonly [city: string, country: string, postalCode: string, street: string];
}

const COLUMBUS = ['Columbus', 'United States', '43215', '180 Harbor Avenue'] as const;
const KOELN = ['Köln', 'Deutschland', '50668', 'Hafenweg 21'] as const;
const TOKYO = ['東京', '日本', '105-0022', '港南2-14'] as const;

/** A dozen people. The first one of a team leads it. */
const STAFF: readonly Hired[] = [
  person('Eleanor Marsh', 'Managing Director', null, COLUMBUS),
  person('Naomi Whitfield', 'Head of Sales, Americas', 'Sales Americas', COLUMBUS),
  person('Carlos Mendes', 'Account Manager', 'Sales Americas', COLUMBUS),
  person('Tyler Brandt', 'Account Manager', 'Sales Americas', COLUMBUS),
  person('Katrin Hölscher', 'Head of Sales, Europe', 'Sales Europe', KOELN),
  person('Étienne Vasseur', 'Account Manager', 'Sales Europe', KOELN),
  person('Agnieszka Wójcik', 'Account Manager', 'Sales Europe', KOELN),
  person('Graham Ellwood', 'Account Manager', 'Sales Europe', KOELN),
  person('西村 健一', 'Head of Sales, Asia-Pacific', 'Sales Asia-Pacific', TOKYO),
  person('Fiona Galbraith', 'Head of Customer Service', 'Customer Service', KOELN),
  person('Oksana Melnyk', 'Service Engineer', 'Customer Service', KOELN),
  person('DeShawn Carter', 'Service Engineer', 'Customer Service', COLUMBUS),
  person('Loïc Pélissier', 'Service Engineer', 'Customer Service', KOELN),
];

function person(name: string, title: string, team: TeamName | null, city: Hired['city']): Hired {
  const [first = '', last = ''] = name.split(' ');
  const phone = city === COLUMBUS ? '+1 614 555 01' : '+49 221 4710 1';
  return { name: city === TOKYO ? [last, first] : [first, last], title, team, phone, city };
}

/** The Latin letters of the only name that has others. */
const SPELLED: Readonly<Record<string, string>> = { 健一: 'kenichi', 西村: 'nishimura' };

/** What the other rows refer to. */
export interface Staff {
  readonly users: readonly User[];
  readonly teams: ReadonlyMap<TeamName, Team>;
  readonly rows: readonly InventedRow[];
}

/** Invents users, teams and who is in which team. @param businessUnitId where they all belong. */
export function inventStaff(businessUnitId: string, base: Currency, now: number, random: Random): Staff {
  const begun = now - 6 * 365 * DAY;
  const users = STAFF.map(({ name: [first, last], team, city }) => ({
    id: random.guid(),
    name: city === TOKYO ? `${last} ${first}` : `${first} ${last}`,
    team,
  }));
  const leader = users[0]?.id ?? null;
  const audit = (at: number): Record<string, WireInput> => ({
    createdon: timeText(begun),
    modifiedon: timeText(at),
    createdby: leader,
    modifiedby: leader,
  });
  const rows: InventedRow[] = STAFF.map((hired, index) => {
    const user = users[index];
    const [first, last] = hired.name;
    const mail = `${SPELLED[first] ?? latin(first)}.${SPELLED[last] ?? latin(last)}@${DOMAIN}`;
    const head = users.find(({ team }) => team === hired.team);
    const [address1_city, address1_country, address1_postalcode, address1_line1] = hired.city;
    const at = begun + random.integer(1, 2_000) * DAY;
    return {
      table: 'systemuser',
      id: user?.id ?? random.guid(),
      at,
      values: {
        fullname: user?.name ?? null,
        firstname: first,
        lastname: last,
        domainname: mail,
        internalemailaddress: mail,
        title: hired.title,
        jobtitle: hired.title,
        azureactivedirectoryobjectid: random.guid(),
        identityid: index + 1,
        isdisabled: false,
        islicensed: true,
        accessmode: 0,
        parentsystemuserid: head === user || hired.team === null ? leader : (head?.id ?? leader),
        businessunitid: businessUnitId,
        address1_city,
        address1_country,
        address1_postalcode,
        address1_line1,
        transactioncurrencyid: base.id,
        exchangerate: { number: base.rate },
        ...audit(at),
      },
    };
  });
  const teams = new Map<TeamName, Team>();
  const addTeam = (name: string, isDefault: boolean, members: readonly User[]): Team => {
    const id = random.guid();
    rows.push({
      table: 'team',
      id,
      at: begun,
      values: {
        name,
        description: isDefault ? 'Everybody.' : `${name}: ${members.length} people.`,
        emailaddress: `${latin(name)}@${DOMAIN}`,
        teamtype: 0,
        isdefault: isDefault,
        systemmanaged: isDefault,
        administratorid: members[0]?.id ?? leader,
        businessunitid: businessUnitId,
        transactioncurrencyid: base.id,
        exchangerate: { number: base.rate },
        ...audit(begun),
      },
    });
    for (const { id: systemuserid } of members) {
      rows.push({
        table: 'teammembership',
        id: random.guid(),
        at: begun + 1,
        values: { systemuserid, teamid: id },
      });
    }
    return { id, name };
  };
  addTeam('Marsh Instruments', true, users);
  for (const name of new Set(STAFF.flatMap(({ team }) => team ?? []))) {
    teams.set(
      name,
      addTeam(
        name,
        false,
        users.filter(({ team }) => team === name),
      ),
    );
  }
  return { users, teams, rows };
}
