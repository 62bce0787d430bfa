/** Stands for a part of a text that was cut. */
const CUT = '…';

/** Characters of a foreign text that are kept at most. Nobody reads longer texts. */
const LONGEST_READ = 4_000;

/** A word is cut if it contains so many characters of a secret in a row. */
const FRAGMENT = 8;
/** A shorter text is no secret: any word would contain it. */
const SHORTEST_SECRET = 4;

/** What a foreign text may say. */
export interface Allowance {
  /** Secrets in use. Not even a part of a secret stays, whether plain, percent-encoded or in base64. */
  readonly secrets?: readonly string[];
  /** Names that may stay in quotation marks, because the request itself contained them. */
  readonly names?: ReadonlySet<string>;
}

/**
 * A message from outside, without what it may quote: secrets and parts of them, anything after `Bearer`,
 * links, and values. A value stands in quotation marks, parentheses, braces or angle brackets, or has a
 * typical form (behind `=`, a GUID, an e-mail address, a long opaque word). The function cuts too much
 * rather than too little: a cut loses a hint, but a secret that stays is in logs and tables for years.
 */
export function redacted(message: string, { secrets = [], names = NO_NAMES }: Allowance = {}): string {
  const text = withoutFragments(decoded(beginningOf(message)), secrets);
  return unquoted(text.replace(/\bbearer\b[\s\S]*$/i, `Bearer ${CUT}`), names)
    .replaceAll(/\b(\w*(?:skip|delta)token)\s*=[\s\S]*$/gi, `$1=${CUT}`)
    .replaceAll(PATTERNS, CUT)
    .replaceAll(/…(?:[\s\p{P}…]*…)+/gu, CUT);
}

const NO_NAMES: ReadonlySet<string> = new Set();

// Absolute and relative links; bracketed text, up to the end where the bracket is not closed; values by
// their form. A word of at most three letters in parentheses, as in "row(s)", is no value.
const PATTERNS = new RegExp(
  [
    String.raw`\S*(?::\/\/|\/api\/|\?\S*=|\$\w+=)\S*`,
    String.raw`\{[\s\S]*(?:\}|$)`,
    String.raw`\[[\s\S]*(?:\]|$)`,
    String.raw`<[\s\S]*(?:>|$)`,
    String.raw`\((?!\p{L}{1,3}\))[^()]*(?:\)|$)`,
    String.raw`(?<==\s*)[^\s,;)…]+`,
    String.raw`\S+@\S+`,
    String.raw`[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}`,
    String.raw`\beyJ[\w.+/=-]*`,
    String.raw`(?=[\w+/-]*\d)(?=[\w+/-]*\p{L})[\w+/-]{24,}=*`,
  ].join('|'),
  'giu',
);

/** The beginning of a text. The last word goes too: a secret that is cut in the middle would not be recognized. */
function beginningOf(text: string): string {
  return text.length <= LONGEST_READ ? text : text.slice(0, LONGEST_READ).replace(/\S*$/, CUT);
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' };

/** Decodes HTML entities, percent-encoding and JSON escapes, because a secret could hide in them. */
function decoded(text: string): string {
  return text
    .replaceAll(/&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|(quot|apos|lt|gt|amp));/gi, (_, decimal, hex, name) =>
      name === undefined
        ? characterOf(hex === undefined ? Number(decimal) : parseInt(String(hex), 16))
        : (ENTITIES[String(name).toLowerCase()] ?? CUT),
    )
    .replaceAll(/(?:%[0-9a-f]{2})+/gi, (octets) =>
      Buffer.from(octets.replaceAll('%', ''), 'hex').toString('utf8'),
    )
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex) => characterOf(parseInt(String(hex), 16)));
}

function characterOf(code: number): string {
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : CUT;
}

/** Whether a text contains a part of one of the secrets. */
export function hasFragment(text: string, secrets: readonly string[]): boolean {
  return withoutFragments(text, secrets) !== text;
}

/** The text without the words that contain a part of a secret, in upper or lower case. */
function withoutFragments(text: string, secrets: readonly string[]): string {
  const forms = secrets.filter(({ length }) => length >= SHORTEST_SECRET).flatMap(formsOf);
  const size = Math.min(FRAGMENT, ...forms.map((form) => form.length));
  const fragments = new Set(forms.flatMap((form) => partsOf(form.toLowerCase(), size)));
  if (fragments.size === 0) return text;
  const lower = text.toLowerCase();
  let result = '';
  let kept = 0;
  for (let at = 0; at + size <= lower.length; at++) {
    if (!fragments.has(lower.slice(at, at + size))) continue;
    const start = Math.max(kept, startOfWord(text, at));
    result += text.slice(kept, start) + CUT;
    kept = endOfWord(text, at + size);
    at = kept - 1;
  }
  return result + text.slice(kept);
}

/** A secret as it is, and its forms in base64 for each place where it may begin in a longer text. */
function formsOf(secret: string): string[] {
  // The first and last characters are left out, because they depend on the text before and after the secret.
  const encoded = [0, 1, 2].map((before) =>
    Buffer.from('\0'.repeat(before) + secret)
      .toString('base64')
      .replace(/=+$/, '')
      .slice(before === 0 ? 0 : 2 * before, -1),
  );
  const long = encoded.filter((form) => form.length >= FRAGMENT);
  return [secret, ...long, ...long.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
}

function partsOf(form: string, size: number): string[] {
  return Array.from({ length: Math.max(0, form.length - size + 1) }, (_, at) => form.slice(at, at + size));
}

const WORD = /[^\s"'`<>(){}[\],;]/;

function startOfWord(text: string, from: number): number {
  let at = from;
  while (at > 0 && WORD.test(text[at - 1] ?? '')) at--;
  return at;
}

function endOfWord(text: string, from: number): number {
  let at = from;
  while (at < text.length && WORD.test(text[at] ?? '')) at++;
  return at;
}

// The apostrophe of an English contraction or genitive is no quotation mark. Any other may be one, as in N'text' of SQL.
const MARK = /["`“”„«»]|[‘’'](?!(?<=\p{L}.)(?:s|t|re|ve|ll|d|m)(?!\p{L}))/u;

/**
 * The text without everything between the first and the last quotation mark, names excepted. A value may
 * contain quotation marks itself, so nobody can tell which marks belong together. With an odd number of
 * marks, nothing stays after the first one.
 */
function unquoted(text: string, names: ReadonlySet<string>): string {
  const pieces = text.split(MARK);
  if (pieces.length === 1) return text;
  const inside = pieces.slice(1, -1).filter((piece) => names.has(piece));
  const said = inside.length === 0 ? CUT : [...new Set(inside)].map((name) => `'${name}'`).join(', ');
  const rest = pieces.length % 2 === 1 ? (pieces.at(-1) ?? '') : '';
  return `${pieces[0] ?? ''}${said}${rest}`;
}
