import type { Column } from '../definitions/column.ts';
import { HARD_TEXTS, LONG_TEXT } from './hard-text.ts';
import type { Random } from './random.ts';

type TextSeeder = (index: number, random: Random) => string;

/** Texts that fit the name and format of a column. Some of them are hard to carry. */
export function textSeeder(column: Column): TextSeeder {
  const limit = column.maxLength ?? 100;
  if (column.kind === 'Memo') {
    return (index, random) =>
      index === HARD_TEXTS.length && LONG_TEXT.length <= limit
        ? LONG_TEXT
        : (HARD_TEXTS[index % 150] ?? `${random.pick(SENTENCES)}\r\n${random.pick(SENTENCES)}`);
  }
  const ordinary = ordinaryText(column, limit);
  return (index, random) => {
    const hard = HARD_TEXTS[index];
    return hard !== undefined && hard.length <= limit ? hard : ordinary(index, random);
  };
}

function oneOf(texts: readonly string[]): TextSeeder {
  return (_, random) => random.pick(texts);
}

function ordinaryText(column: Column, limit: number): TextSeeder {
  const name = column.logicalName;
  if (column.format === 'Email' || name.includes('email') || name.endsWith('mail')) {
    return (_, random) => `${random.pick(FIRST_NAMES).toLowerCase()}${random.integer(1, 9999)}@contoso.com`;
  }
  if (column.format === 'Url') {
    return (_, random) => `https://www.contoso.com/${random.integer(1, 99_999)}?q=a&b=%20`;
  }
  if (name.includes('phone') || name === 'fax') {
    return (_, random) => `+49 221 ${random.integer(100_000, 9_999_999)}`;
  }
  if (name === 'isocurrencycode') return oneOf(['EUR', 'USD', 'CHF', 'JPY']);
  if (name === 'currencysymbol') return oneOf(['€', '$', 'Fr.', '¥']);
  if (name === 'currencyname') return oneOf(['Euro', 'US Dollar', 'Schweizer Franken', '円']);
  if (name.includes('city')) return oneOf(CITIES);
  if (name.includes('country')) return oneOf(COUNTRIES);
  if (name.includes('line1')) return (_, random) => `Straße des 17. Juni ${random.integer(1, 200)}`;
  if (name.includes('postalcode')) return (_, random) => String(random.integer(10_000, 99_999));
  if (name.startsWith('firstname') || name === 'nickname' || name === 'middlename') return oneOf(FIRST_NAMES);
  if (name.startsWith('lastname')) return oneOf(LAST_NAMES);
  if (name === 'salutation') return oneOf(['Dr.', 'Frau', 'Mr.', 'Mme']);
  if (name === 'suffix') return oneOf(['Jr.', 'III', 'PhD']);
  if (name === 'jobtitle' || name === 'title') return oneOf(['Einkäuferin', 'Purchasing Manager', 'Gérant']);
  if (name === 'department') return oneOf(['Einkauf', 'Sales', 'Comptabilité']);
  if (
    name.includes('fullname') ||
    name === 'displayname' ||
    name.endsWith('sname') ||
    name === 'managername'
  ) {
    return (_, random) => `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`;
  }
  if (name.endsWith('name')) return (_, random) => `${random.pick(COMPANIES)} ${random.integer(1, 9999)}`;
  if (name === 'ticketnumber') return (_, random) => `CAS-${random.integer(10_000, 99_999)}-H6B9P4`;
  if (name.endsWith('number') || name.endsWith('id')) {
    return (_, random) => `A${random.integer(100_000, 999_999)}`;
  }
  return (_, random) => random.pick(SENTENCES).slice(0, limit);
}

/** Word lists for invented rows. */
export const COMPANIES = [
  'Alpine Ski House',
  'Bäckerei Grünwald GmbH & Co. KG',
  'Contoso Ltd',
  'Fourth Coffee',
  'Łódź Tkaniny S.A.',
  'Northwind Traders',
  "O'Brien & Söhne",
  'Société Générale du Café',
  '株式会社ミラー',
  'Wide World Importers',
  'Ελληνική Εταιρεία',
];

export const FIRST_NAMES = ['Anna', 'Björn', 'Chloé', 'Dmitri', 'Emre', 'Fatima', 'Günther', 'Hiroko', 'Zoë'];

export const LAST_NAMES = ['Müller', "O'Neill", 'García', 'Nguyễn', 'Şahin', 'Smith', '山田', 'van der Berg'];

export const CITIES = ['Köln', 'Redmond', 'São Paulo', 'Zürich', '東京', 'Kraków', 'Montréal', 'Reykjavík'];

export const COUNTRIES = ['Deutschland', 'United States', 'Brasil', 'Schweiz', '日本', 'Polska', 'Canada'];

export const SENTENCES = [
  'Called twice, will call again on Monday.',
  'Kunde wünscht Rückruf – bitte vor 17:00 Uhr.',
  'Interested in 10 Airpot XL coffee makers for the staff kitchen.',
  'La réunion est reportée à la semaine prochaine.',
  '来週までに見積もりを送付してください。',
  'Reclamação sobre a entrega nº 4711.',
];
