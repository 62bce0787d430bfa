import type { Random } from '../seeding/random.ts';
import type { Word } from './regions/region.ts';

/** Letters that do not come apart into a plain one and a mark. */
const PLAIN: Readonly<Record<string, string>> = {
  ä: 'ae',
  ö: 'oe',
  ü: 'ue',
  ß: 'ss',
  ł: 'l',
  ı: 'i',
  ø: 'o',
  æ: 'ae',
};

export function written(word: Word): string {
  return typeof word === 'string' ? word : word[0];
}

/** The word as a part of an address on the net: small Latin letters, digits and hyphens. */
export function latin(word: Word): string {
  return (typeof word === 'string' ? word : word[1])
    .toLowerCase()
    .replaceAll(/[äöüßłıøæ]/g, (letter) => PLAIN[letter] ?? '')
    .normalize('NFD')
    .replaceAll(/[^a-z0-9]+/g, (between) => (/[\s\-&]/.test(between) ? '-' : ''))
    .replaceAll(/^-|-$/g, '');
}

/** The pattern with a digit for each `#`. */
export function withDigits(pattern: string, random: Random): string {
  return pattern.replaceAll('#', () => String(random.integer(0, 9)));
}

/** The text with `{name}` replaced by the value of that name. */
export function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
}
