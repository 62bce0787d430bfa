/** A word as it is written, and in Latin letters where it is written in others; addresses on the net need these. */
export type Word = string | readonly [written: string, latin: string];

/** The industries of accounts: the options of `industrycode` that companies here have. */
export type Industry =
  | 'engineering'
  | 'food'
  | 'transport'
  | 'consulting'
  | 'wholesale'
  | 'services'
  | 'accounting'
  | 'insurance';

/** Options of the global choice `new_region`. */
export const NORTH = 100_000_000;
export const SOUTH = 100_000_001;
export const EAST = 100_000_002;
export const WEST = 100_000_003;

export interface City {
  readonly name: string;
  readonly state: string | null;
  /** `#` stands for a digit. */
  readonly postalCode: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly side: number;
  /**
   * Numbers that the country's regulator keeps for films and books, `#` for a digit. Null where it keeps none: a
   * number that somebody may have is not invented.
   */
  readonly phone: string | null;
}

/** A part of the world with its language: what companies and people there are called, and where they live. */
export interface Region {
  readonly country: string;
  readonly currency: string;
  /** Of a hundred companies, about so many are here. */
  readonly share: number;
  readonly women: readonly Word[];
  readonly men: readonly Word[];
  /** Names that women and men have alike. */
  readonly families: readonly Word[];
  readonly familyFirst?: true;
  readonly salutations: readonly [woman: string | null, man: string | null];
  readonly cities: readonly City[];
  /** `#` stands for a digit. */
  readonly streets: readonly string[];
  /** The numbers of mobile phones that are kept free, where there are any. */
  readonly mobile: string | null;
  /** First words of company names. */
  readonly stems: readonly Word[];
  readonly trades: Readonly<Record<Industry, readonly Word[]>>;
  /** `*` stands for the rest of the name. */
  readonly legalForms: readonly string[];
  /** Whether stem and trade are written as one word. */
  readonly joined?: true;
  readonly jobs: readonly (readonly [department: string, title: string])[];
}

/** A city, in one line of a list. */
export function city(
  name: string,
  state: string | null,
  postalCode: string,
  latitude: number,
  longitude: number,
  side: number,
  phone: string | null = null,
): City {
  return { name, state, postalCode, latitude, longitude, side, phone };
}
