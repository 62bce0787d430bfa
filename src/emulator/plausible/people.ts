import type { Random } from '../seeding/random.ts';
import type { Region, Word } from './regions/region.ts';
import { latin, withDigits, written } from './wording.ts';

export interface Person {
  readonly isWoman: boolean;
  readonly firstName: string;
  readonly lastName: string;
  readonly fullName: string;
  /** What stands before the @ of the person's address. */
  readonly mailName: string;
  readonly salutation: string | null;
  readonly department: string;
  readonly jobTitle: string;
}

/** Invents a person of a region. */
export function inventPerson(region: Region, random: Random): Person {
  const isWoman = random.chance(0.48);
  const first = random.pick(isWoman ? region.women : region.men);
  const last = random.pick(region.families);
  const [department, jobTitle] = random.pick(region.jobs);
  const [forWoman, forMan] = region.salutations;
  return {
    isWoman,
    firstName: written(first),
    lastName: written(last),
    fullName: fullName(region, first, last),
    mailName: `${latin(first)}.${latin(last)}`,
    salutation: isWoman ? forWoman : forMan,
    department,
    jobTitle,
  };
}

function fullName({ familyFirst }: Region, first: Word, last: Word): string {
  return familyFirst === true ? `${written(last)} ${written(first)}` : `${written(first)} ${written(last)}`;
}

/** A mobile number that nobody has; null where the country keeps none free. */
export function inventMobile({ mobile }: Region, random: Random): string | null {
  return mobile === null ? null : withDigits(mobile, random);
}
