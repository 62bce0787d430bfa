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

/** Texts that break careless writers: escapes of JSON, CSV and COPY, line ends, wide and combining characters. */
export const HARD_TEXTS = [
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
];

/** Literals that a detour over a JavaScript number, or over too narrow a column, would change. */
export const HARD_NUMBERS = {
  Money: [
    '922337203685477.5807',
    '-922337203685477.5808',
    '100000000000.0000000000',
    '0.0001000000',
    '4990.0000000000',
    '0.0000000000',
  ],
  Decimal: [
    '0.0000000001',
    '100000000000.0000000000',
    '-100000000000.0000000000',
    '9007199254.7409930001',
    '0.1000000000',
  ],
  Double: ['0.00001', '-179.99999', '99999999999.99999', '0.1', '100000000000.0', '-0.5'],
  Integer: ['2147483647', '-2147483648', '0'],
  BigInt: ['9223372036854775807', '-9223372036854775808', '9007199254740993', '637388308718090885', '0'],
} as const;
