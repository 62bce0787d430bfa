import type { Random } from '../seeding/random.ts';
import type { WireInput } from '../store/wire-value.ts';
import { REGIONS } from './regions/regions.ts';
import type { City, Industry, Region } from './regions/region.ts';
import { latin, withDigits, written } from './wording.ts';

/** A company and where it is. */
export interface Company {
  readonly region: Region;
  readonly city: City;
  readonly industry: Industry;
  readonly name: string;
  /** A name that nobody can register: `.example` is reserved (RFC 2606). */
  readonly domain: string;
  readonly employees: number;
  /** In the base currency, a year. */
  readonly revenue: number;
}

/** Yearly revenue for each employee, in the base currency; and the share of companies. */
const INDUSTRIES: readonly (readonly [Industry, revenue: number, share: number])[] = [
  ['engineering', 210_000, 24],
  ['food', 340_000, 18],
  ['transport', 190_000, 14],
  ['wholesale', 620_000, 14],
  ['services', 75_000, 12],
  ['consulting', 150_000, 8],
  ['accounting', 110_000, 5],
  ['insurance', 480_000, 5],
];

/** Invents companies. No two of them have the same name or the same domain. */
export class CompanyNames {
  private readonly taken = new Set<string>();

  invent(random: Random): Company {
    const region = byShare(REGIONS, ({ share }) => share, random);
    const [industry, revenueEach] = byShare(INDUSTRIES, ([, , share]) => share, random);
    const city = random.pick(region.cities);
    const { name, domain } = this.name(region, industry, city, random);
    // Most companies are small, and a few are large.
    const employees = Math.round(4 * Math.exp(random.next() ** 1.6 * 7));
    const revenue = Math.round((employees * revenueEach * (0.6 + random.next() * 0.9)) / 1_000) * 1_000;
    return { region, city, industry, name, domain, employees, revenue };
  }

  private name(
    region: Region,
    industry: Industry,
    city: City,
    random: Random,
  ): Pick<Company, 'name' | 'domain'> {
    for (let attempt = 0; ; attempt += 1) {
      const stem = random.pick(attempt % 2 === 0 && random.chance(0.6) ? region.stems : region.families);
      const trade = random.pick(region.trades[industry]);
      const place = attempt < 3 || region.joined === true ? '' : ` ${city.name}`;
      const number = attempt < 12 ? '' : ` ${attempt - 10}`;
      const between = region.joined === true ? '' : ' ';
      const core = `${written(stem)}${between}${written(trade)}${place}${number}`;
      const name = random.pick(region.legalForms).replace('*', core);
      const tail = attempt < 3 ? '' : `-${attempt < 12 ? latin(city.name) || attempt : attempt}`;
      const domain = `${latin(stem)}-${latin(trade)}${tail}.example`;
      if (this.taken.has(name) || this.taken.has(domain)) continue;
      this.taken.add(name).add(domain);
      return { name, domain };
    }
  }
}

/** One of the items, each as likely as its share. */
export function byShare<T>(items: readonly T[], share: (item: T) => number, random: Random): T {
  let lot = random.next() * items.reduce((sum, item) => sum + share(item), 0);
  for (const item of items) {
    lot -= share(item);
    if (lot < 0) return item;
  }
  return random.pick(items);
}

/** The columns of the first address. */
export function addressOf({ region, city }: Company, random: Random): Record<string, WireInput> {
  return {
    address1_line1: withDigits(random.pick(region.streets), random),
    address1_postalcode: withDigits(city.postalCode, random),
    address1_city: city.name,
    address1_country: region.country,
  };
}

/** The columns of the first address that only tables with a full address have. */
export function placeOf({ city }: Company, random: Random): Record<string, WireInput> {
  const near = (degrees: number): WireInput => ({
    number: (degrees + (random.next() - 0.5) / 10).toFixed(5),
  });
  return {
    address1_addressid: random.guid(),
    address1_stateorprovince: city.state,
    address1_latitude: near(city.latitude),
    address1_longitude: near(city.longitude),
    address1_addresstypecode: 3,
  };
}

/** A number of a city that nobody has; null where the country keeps none free. */
export function inventPhone({ phone }: City, random: Random): string | null {
  return phone === null ? null : withDigits(phone, random);
}
