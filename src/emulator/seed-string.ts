import type { Column } from './column.ts';
import type { Random } from './random.ts';
import { CITIES, COMPANIES, COUNTRIES, FIRST_NAMES, HARD_TEXTS, LAST_NAMES, SENTENCES } from './seed-text.ts';

/** A text that suits the name and format of a column, now and then one that is hard to carry. */
export function seedText(column: Column, index: number, random: Random): string {
  const hard = HARD_TEXTS[index % 50];
  if (hard !== undefined && (column.kind === 'Memo' || hard.length <= (column.maxLength ?? 100))) {
    if (column.kind === 'Memo' || index < HARD_TEXTS.length) return hard;
  }
  if (column.kind === 'Memo') return `${random.pick(SENTENCES)}\r\n${random.pick(SENTENCES)}`;
  const name = column.logicalName;
  if (column.format === 'Email' || name.includes('email') || name.endsWith('mail')) {
    return `${random.pick(FIRST_NAMES).toLowerCase()}${random.integer(1, 9999)}@contoso.com`;
  }
  if (column.format === 'Url') return `https://www.contoso.com/${random.integer(1, 99_999)}?q=a&b=%20`;
  if (name.includes('phone') || name === 'fax') return `+49 221 ${random.integer(100_000, 9_999_999)}`;
  if (name === 'isocurrencycode') return random.pick(['EUR', 'USD', 'CHF', 'JPY']);
  if (name === 'currencysymbol') return random.pick(['€', '$', 'Fr.', '¥']);
  if (name === 'currencyname') return random.pick(['Euro', 'US Dollar', 'Schweizer Franken', '円']);
  if (name.includes('city')) return random.pick(CITIES);
  if (name.includes('country')) return random.pick(COUNTRIES);
  if (name.includes('line1')) return `Straße des 17. Juni ${random.integer(1, 200)}`;
  if (name.includes('postalcode')) return String(random.integer(10_000, 99_999));
  if (name.startsWith('firstname') || name === 'nickname' || name === 'middlename') return random.pick(FIRST_NAMES);
  if (name.startsWith('lastname')) return random.pick(LAST_NAMES);
  if (name.includes('fullname') || name === 'displayname' || name.endsWith('sname') || name === 'managername') {
    return `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`;
  }
  if (name.endsWith('name')) return `${random.pick(COMPANIES)} ${random.integer(1, 9999)}`;
  if (name === 'ticketnumber') return `CAS-${random.integer(10_000, 99_999)}-H6B9P4`;
  if (name.endsWith('number') || name.endsWith('id')) return `A${random.integer(100_000, 999_999)}`;
  const limit = column.maxLength ?? 100;
  return random.pick(SENTENCES).slice(0, limit);
}
