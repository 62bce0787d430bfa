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
