import { HARD_TEXTS } from './hard-text.ts';
import type { Option } from '../definitions/option-set.ts';
import type { Random } from './random.ts';
import { valueSeeder, type SeededStore, type ValueSeeder } from './value-seeder.ts';
import type { TableData } from '../store/table-data.ts';
import { columnNamed } from '../definitions/emulated-table.ts';
import type { WireInput } from '../store/wire-value.ts';

/** Columns that the store fills, or whose values follow from other columns. */
const LEFT_OUT = new Set(['versionnumber', 'createdon', 'modifiedon', 'owningteam', 'owningbusinessunit']);
const ALWAYS_FILLED = new Set([
  'ownerid',
  'statecode',
  'statuscode',
  'transactioncurrencyid',
  'exchangerate',
]);
/** How many first rows have a value in every column. These rows have all the values that are hard to carry. */
const FULL_ROWS = HARD_TEXTS.length + 1;
const SHARE_OF_NULLS = 0.35;

interface SeededColumn {
  readonly position: number;
  readonly alwaysFilled: boolean;
  readonly seed: ValueSeeder;
}

/** Invents rows for one table. */
export class RowSeeder {
  readonly #width: number;
  readonly #columns: SeededColumn[] = [];
  /** Pairs of a money column and its twin in base currency. */
  readonly #twins: (readonly [amount: number, base: number])[] = [];
  readonly #state: number | undefined;
  readonly #status: number | undefined;
  readonly #reasons: readonly Option[];

  constructor(store: SeededStore, data: TableData) {
    this.#width = data.rowColumns.length;
    // A live canvasapp does not flag its primary id as such.
    const { primaryIdAttribute } = data.definition;
    for (const [position, column] of data.rowColumns.entries()) {
      if (column.logicalName === primaryIdAttribute || LEFT_OUT.has(column.logicalName)) continue;
      if (column.calculationOf !== null) {
        const amount = data.positions.get(column.calculationOf);
        if (amount !== undefined) this.#twins.push([amount, position]);
        continue;
      }
      const alwaysFilled = column.isPrimaryName || ALWAYS_FILLED.has(column.logicalName);
      this.#columns.push({ position, alwaysFilled, seed: valueSeeder(store, data.definition, column) });
    }
    this.#state = data.positions.get('statecode');
    this.#status = data.positions.get('statuscode');
    this.#reasons = columnNamed(data.definition, 'statuscode')?.optionSet?.options ?? [];
  }

  /** The values of one row by column position. The rows of low indexes have the values that are hard to carry. */
  values(index: number, random: Random): (WireInput | undefined)[] {
    const values: (WireInput | undefined)[] = Array.from({ length: this.#width });
    for (const { position, alwaysFilled, seed } of this.#columns) {
      if (!alwaysFilled && index >= FULL_ROWS && random.chance(SHARE_OF_NULLS)) continue;
      values[position] = seed(index, random);
    }
    // Without an exchange rate the amount in the base currency is the same.
    for (const [amount, base] of this.#twins) values[base] = values[amount];
    this.#alignStatus(values, random);
    return values;
  }

  /** A status reason belongs to one state. */
  #alignStatus(values: (WireInput | undefined)[], random: Random): void {
    if (this.#state === undefined || this.#status === undefined) return;
    const state = values[this.#state];
    const fitting = this.#reasons.filter((option) => option.state === state);
    if (fitting.length > 0) values[this.#status] = random.pick(fitting).value;
  }
}
