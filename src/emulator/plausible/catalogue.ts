import type { Random } from '../seeding/random.ts';

/** What the invented organization sells: measuring instruments, and services around them. */
interface Article {
  readonly name: string;
  /** In the base currency. */
  readonly price: number;
  /** The largest quantity that one company orders; 1 for a service. */
  readonly most: number;
}

const ARTICLES: readonly Article[] = [
  { name: 'Flow meter FM-210', price: 1_480, most: 40 },
  { name: 'Pressure transmitter PT-40', price: 620, most: 120 },
  { name: 'Temperature logger TL-8', price: 240, most: 200 },
  { name: 'Gas detector GD-3', price: 890, most: 60 },
  { name: 'Level sensor LS-500', price: 760, most: 80 },
  { name: 'Weighing terminal WT-12', price: 2_150, most: 12 },
  { name: 'pH probe PH-7', price: 310, most: 90 },
  { name: 'Vibration monitor VM-60', price: 3_400, most: 16 },
  { name: 'Humidity sensor HS-2', price: 180, most: 250 },
  { name: 'Gateway GW-4', price: 1_250, most: 20 },
];

const SERVICES: readonly Article[] = [
  { name: 'Calibration contract', price: 14_800, most: 1 },
  { name: 'Maintenance contract', price: 22_500, most: 1 },
  { name: 'Operator training', price: 4_200, most: 1 },
  { name: 'Retrofit of measuring points', price: 61_000, most: 1 },
  { name: 'Energy monitoring', price: 48_000, most: 1 },
  { name: 'Framework agreement', price: 120_000, most: 1 },
];

/** What a customer may buy. */
export interface Offer {
  readonly topic: string;
  /** The list price of all of it, in the base currency. */
  readonly price: number;
}

/** @param site where it is for, as a user writes it into the topic; @param year the year of a contract. */
export function inventOffer(site: string, year: number, random: Random): Offer {
  if (random.chance(0.35)) {
    const { name, price } = random.pick(SERVICES);
    const topic = random.chance(0.5) ? `${name} ${year}` : `${name}, ${site}`;
    return { topic, price: price * (0.5 + random.next() * 1.5) };
  }
  const { name, price, most } = random.pick(ARTICLES);
  const quantity = Math.max(1, Math.round(most * random.next() ** 2));
  return { topic: quantity === 1 ? `${name}, ${site}` : `${quantity} × ${name}`, price: price * quantity };
}

export function anyArticle(random: Random): string {
  return random.pick(ARTICLES).name;
}

/** Titles of cases. The last ones are in the languages of customers. */
export const CASE_TITLES: Readonly<Record<string, readonly string[]>> = {
  '': [
    '{article}: no reading after a power failure',
    '{article}: display stays dark',
    '{article} drifts by more than 2 %',
    '{article}: wrong cable in the box',
    '{article} loses its connection at night',
    'Calibration certificate missing for order {order}',
    'Delivery of order {order} is two pieces short',
    'Invoice {order} shows an old address',
    'Return of {article} under warranty',
    'Question about the firmware update of {article}',
    'Spare parts for {article}',
    'No access to the customer portal',
    'Date for the yearly calibration',
    'Alarm limits of {article} cannot be saved',
  ],
  Deutschland: [
    '{article} zeigt nach einem Stromausfall keine Werte',
    'Kalibrierzertifikat zu Auftrag {order} fehlt',
    'Rechnung {order}: falsche Bestellnummer',
    'Ersatzteile für {article}',
  ],
  France: [
    '{article} : plus de mesure depuis ce matin',
    'Certificat d’étalonnage manquant, commande {order}',
  ],
  Polska: [
    '{article}: brak odczytu po zaniku zasilania',
    'Brak świadectwa wzorcowania do zamówienia {order}',
  ],
  日本: ['{article} の表示が消えたままです', '注文 {order} の校正証明書が届いていません'],
  Ελλάδα: ['{article}: δεν δείχνει μετρήσεις', 'Λείπει το πιστοποιητικό για την παραγγελία {order}'],
  Україна: ['{article}: немає показань після вимкнення струму', 'Рахунок {order}: стара адреса'],
  Brasil: [
    '{article}: sem leitura depois de queda de energia',
    'Certificado de calibração do pedido {order}',
  ],
};

export const CASE_NOTES: readonly string[] = [
  'The customer sent photos. Serial number is on the second one.',
  'Same fault as last year, after the same kind of outage.',
  'Customer asks for a call back before noon.',
  'Replacement was shipped, we wait for the return.',
  'Solved on the phone: the parameter lock was on.',
  'Forwarded to the calibration laboratory.',
];

export const TASK_SUBJECTS: readonly (readonly [category: string, subject: string])[] = [
  ['Call', 'Call {person} about the offer'],
  ['Call', 'Call {person} back'],
  ['Offer', 'Send offer to {company}'],
  ['Offer', 'Check discount for {company}'],
  ['Visit', 'Prepare visit at {company}'],
  ['Visit', 'Write report on the visit at {company}'],
  ['Documents', 'Send calibration certificates to {person}'],
  ['Documents', 'Get signed contract from {company}'],
  ['Service', 'Order spare parts for {company}'],
  ['Service', 'Agree on a date for calibration with {person}'],
];

export const ACCOUNT_NOTES: readonly string[] = [
  'Orders once a quarter. Wants one collective invoice.',
  'New plant planned for next year.',
  'Audit in spring: certificates have to be there by February.',
  'Deliveries only until 15:00, gate 3.',
  'Met at the trade fair. Uses instruments of a competitor in line 2.',
];
