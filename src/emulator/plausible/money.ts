import type { WireInput } from '../store/wire-value.ts';

/** A currency of the organization. */
export interface Currency {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly symbol: string;
  readonly decimals: number;
  /** Units of the currency for one of the base currency, as the row of the currency has it. */
  readonly rate: string;
}

/** The currencies that the invented organization sells in. The first one is its base currency. */
export const CURRENCIES: readonly Omit<Currency, 'id'>[] = [
  { code: 'USD', name: 'US Dollar', symbol: '$', decimals: 2, rate: '1.000000000000' },
  { code: 'EUR', name: 'Euro', symbol: '€', decimals: 2, rate: '0.921500000000' },
  { code: 'GBP', name: 'Pound Sterling', symbol: '£', decimals: 2, rate: '0.787400000000' },
  { code: 'SEK', name: 'Svensk krona', symbol: 'kr', decimals: 2, rate: '10.482600000000' },
  { code: 'PLN', name: 'Polski złoty', symbol: 'zł', decimals: 2, rate: '3.968100000000' },
  { code: 'JPY', name: '日本円', symbol: '¥', decimals: 0, rate: '149.350000000000' },
  { code: 'BRL', name: 'Real brasileiro', symbol: 'R$', decimals: 2, rate: '5.431200000000' },
];

/** An amount of the base currency in another one, rounded to a step that people write in offers. */
export function converted(base: number, { rate }: Currency, step = 10): number {
  const amount = base * Number(rate);
  const coarse = amount > 1_000_000 ? step * 100 : step;
  return Math.max(coarse, Math.round(amount / coarse) * coarse);
}

/** A money column and its twin in the base currency, as Dataverse calculates it. */
export function moneyColumns(
  column: string,
  amount: number,
  { rate }: Pick<Currency, 'rate'>,
): Record<string, WireInput> {
  return { [column]: moneyLiteral(amount), [`${column}_base`]: moneyLiteral(amount / Number(rate)) };
}

/** Dataverse writes ten decimals, and computes four of them. */
function moneyLiteral(amount: number): WireInput {
  return { number: `${amount.toFixed(4)}000000` };
}
