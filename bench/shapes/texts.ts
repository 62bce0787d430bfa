import type { Random } from './random.ts';

const WORDS =
  'Contoso Northwind Adventure Works Fabrikam Alpine Ski House account manager follow up call offer order renewal Street Avenue Suite customer service request delivery delayed invoice paid meeting agreed with the team next quarter product line spare parts warranty';
const LATIN = WORDS.split(' ');

/** Words of many alphabets. The last ones take four bytes a character in UTF-8. */
const FOREIGN = [
  'Müller Straße Köln Größe'.split(' '),
  'Société générale à Orléans'.split(' '),
  'Łódź świętokrzyski Żywiec'.split(' '),
  'Договор поставки оборудования'.split(' '),
  'Αθήνα εταιρεία παραγγελία'.split(' '),
  'شركة الاتصالات السعودية'.split(' '),
  'חברת הייטק ישראלית'.split(' '),
  ['株式会社', '東京都', '契約書', 'サービス'],
  ['有限公司', '上海市', '订单'],
  ['주식회사', '서울특별시', '계약'],
  ['บริษัท', 'กรุงเทพ'],
  ['भारतीय', 'कंपनी'],
  ['Launch 🚀', '👍🏽', '𠮷野家', '👩‍💻'],
];

/** The share of texts with characters outside of ASCII. */
const FOREIGN_SHARE = 0.15;

/** A text of a row, and whether the source writes its characters outside of ASCII as `\u` escapes. */
export interface Text {
  readonly text: string;
  readonly asEscapes: boolean;
}

/** A line of text as columns of type String hold it. `escapes` is the share of texts that need an escape. */
export function lineOfText(random: Random, escapes: number): Text {
  const kind = random.below(10);
  if (kind < 2)
    return withEscape(random, `+1 (555) 01${random.below(90) + 10}-${1000 + random.below(9000)}`, escapes);
  if (kind < 4)
    return withEscape(
      random,
      `${random.pick(LATIN)}.${random.below(5_000)}@contoso.example`.toLowerCase(),
      escapes,
    );
  return withEscape(random, words(random, 1 + random.below(5)), escapes);
}

/** A text of several sentences as columns of type Memo hold it. */
export function memoText(random: Random, escapes: number, length: number): Text {
  const count = Math.ceil((0.2 + 1.6 * random.share()) * (length / 7));
  return withEscape(random, words(random, count), escapes, true);
}

function words(random: Random, count: number): string {
  const list = random.chance(FOREIGN_SHARE) ? random.pick(FOREIGN) : LATIN;
  return Array.from({ length: count }, () => random.pick(list)).join(' ');
}

function withEscape(random: Random, text: string, share: number, isMemo = false): Text {
  if (!random.chance(share)) return { text, asEscapes: false };
  const middle = text.indexOf(' ', text.length / 2);
  const [start, end] = middle === -1 ? [text, ''] : [text.slice(0, middle), text.slice(middle + 1)];
  // Most escapes in memos are line ends.
  switch (random.below(isMemo ? 20 : 8)) {
    case 0:
    case 1:
      return { text: `${start} "${end}"`, asEscapes: false };
    case 2:
      return { text: `${start}\\${end}`, asEscapes: false };
    case 3:
      return { text: `${start}\t${end}`, asEscapes: false };
    case 4:
      return { text: `${start} – 東京 🚀 ${end}`, asEscapes: true };
    default:
      // A line end for every eighty characters.
      return { text: `${text.replace(/(.{60,80}) /g, '$1\r\n')}\r\n`, asEscapes: false };
  }
}
