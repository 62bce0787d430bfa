const span = (first: number, last: number): string =>
  String.fromCharCode(...Array.from({ length: last - first + 1 }, (_, index) => first + index));

/**
 * Texts that break careless writers: escapes of JSON, CSV and COPY, line ends, texts that look like null or like
 * another type, wide, combining and invisible characters. PostgreSQL can store all of them. NUL and half a surrogate
 * pair, which it cannot store, are not here; tests that need them write them.
 */
export const HARD_TEXTS: readonly string[] = [
  'first line\r\nsecond line\r\n',
  'tab\there, "double" and \'single\' quotes, back\\slash',
  String.raw`\N`,
  String.raw`\.`,
  'ends with a backslash\\',
  'emoji 🚀👩‍👩‍👧‍👦🏳️‍🌈 and é as two code points: e\u0301',
  'مرحبا بالعالم، שלום עולם',
  '&lt;p&gt;HTML entities&amp;nbsp;as written&lt;/p&gt; <b>bold</b>',
  '  blanks on both sides  ',
  'null',
  '{"json":[1,2,{"deep":"\\u0041"}]}',
  'separators \u2028 and \u2029, a control character \u0001, a delete \u007f',
  'a,b;c|d\ne\vf',
  '',
  'NULL',
  ' ',
  '\n',
  '\r',
  '\t',
  '"',
  "'",
  '\\',
  '""',
  String.raw`\\N`,
  'line\n\\.\nline',
  String.raw`C:\new\table\u0041\x41\101`,
  String.raw`\u0000 spelled out`,
  `${span(0x01, 0x1f)}\u007f`,
  span(0x80, 0x9f),
  "'; DROP TABLE account; --",
  '$1 %s :name ? {} ${value} %00',
  '{1,2,NULL}',
  'true',
  '-0',
  '1e999',
  'NaN',
  '1753-01-01',
  '00000000-0000-0000-0000-000000000000',
  '"@odata.deltaLink":"https://contoso.invalid/"}]}',
  '\u202eoverridden\u202c \u2066isolated\u2069',
  '\ufeffmark \u200bzero\u200dwidth\u00ad\u2060',
  '\ufffd\ufffe\uffff \u{10ffff}',
  '𠜎𠜱𝒳𝓨𝕫🂡',
  '👍🏽 1️⃣ 🇩🇪 🏴󠁧󠁢󠁳󠁣󠁴󠁿',
  'Ç ç Ç c\u0327 \u1100\u1161\u11a8 각',
  'Z\u0351\u036b\u0343a\u0328\u0321l\u0489g\u0322o\u031b',
  'Ελληνικά кириллица Հայերեն ქართული ብርሃን',
  'हिन्दी தமிழ் বাংলা ไทย ລາວ ខ្មែរ မြန်မာ',
  '中文 繁體 ひらがな カタカナ 한국어 Tiếng Việt',
  'İıŞşĞğ ßẞ ŉ ﬁ ſ Ǆ',
];

/** A note of the greatest length, 100,000 characters: more than a buffer or a TOAST page holds. */
export const LONG_TEXT = ''.padEnd(100_000, 'A long memo, 長いメモ 🚀 "quoted" back\\slash\r\n');
