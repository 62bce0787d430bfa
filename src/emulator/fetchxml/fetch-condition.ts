import type { StoredRow } from '../store/stored-row.ts';
import type { TableData } from '../store/table-data.ts';
import { valueOf } from '../store/wire-value.ts';
import { fetchError, refuseUnknown, type FetchElement } from './fetch-document.ts';

export type RowTest = (row: StoredRow) => boolean;

/**
 * Reads a filter of FetchXML ("Filter rows using FetchXml", "FetchXml condition operators"). The common operators are
 * emulated. Texts are compared as Dataverse's databases do by default, without regard to case.
 *
 * @throws DataverseError for everything else.
 */
export function filterTest(data: TableData, filter: FetchElement): RowTest {
  refuseUnknown(filter, ['type']);
  const tests = filter.children.map((child): RowTest => {
    if (child.name === 'filter') return filterTest(data, child);
    if (child.name === 'condition') return conditionTest(data, child);
    throw fetchError(`The element ${child.name} of a filter is not emulated.`);
  });
  const { type = 'and' } = filter.attributes;
  if (type === 'and') return (row) => tests.every((test) => test(row));
  if (type === 'or') return (row) => tests.length === 0 || tests.some((test) => test(row));
  throw fetchError(`A filter cannot be of type ${type}.`);
}

/** A value that is compared: a number or a time is a number, a text is in lower case. */
type Comparable = bigint | number | string;

function conditionTest(data: TableData, condition: FetchElement): RowTest {
  refuseUnknown(condition, ['attribute', 'operator', 'value']);
  const { attribute = '', operator = '' } = condition.attributes;
  const position = positionOf(data, attribute);
  const given = [
    ...(condition.attributes['value'] === undefined ? [] : [condition.attributes['value']]),
    ...condition.children.map(({ text }) => text),
  ];
  const kind = data.rowColumns[position]?.kind ?? '';
  const values = given.map((value) => comparable(value, kind));
  const test = operatorTest(operator, values);
  return (row) => {
    const value = valueOf(row.literals[position] ?? null);
    if (value === null) return test(null);
    if (typeof value === 'object' && 'json' in value) throw fetchError(`${attribute} cannot be compared.`);
    const text = typeof value === 'object' ? value.number : String(value);
    return test(comparable(text, kind));
  };
}

function positionOf(data: TableData, attribute: string): number {
  const position = data.rowColumns.findIndex(({ logicalName }) => logicalName === attribute);
  if (position < 0) {
    throw fetchError(
      `'${data.definition.logicalName}' entity doesn't contain attribute with Name = '${attribute}'.`,
    );
  }
  return position;
}

const NUMBERS = new Set(['Integer', 'BigInt', 'Decimal', 'Double', 'Money', 'Picklist', 'State', 'Status']);
const TRUTHS: Readonly<Record<string, number>> = { '1': 1, true: 1, '0': 0, false: 0 };

function comparable(text: string, kind: string): Comparable {
  if (kind === 'Boolean') return TRUTHS[text.toLowerCase()] ?? Number.NaN;
  if (kind === 'DateTime') return Date.parse(text);
  if (!NUMBERS.has(kind)) return text.toLowerCase();
  return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
}

/** Whether a value fits: null stands for a value that the row does not have. */
type ValueTest = (value: Comparable | null) => boolean;

/** What is known of the operator for values that are there. */
function operatorTest(operator: string, values: readonly Comparable[]): ValueTest {
  const [first, second] = values;
  if (operator === 'null') return (value) => value === null;
  if (operator === 'not-null') return (value) => value !== null;
  if (first === undefined) throw fetchError(`The operator ${operator} needs a value.`);
  const pattern = typeof first === 'string' ? likePattern(first) : undefined;
  const like = (value: Comparable): boolean => {
    if (pattern === undefined) throw fetchError(`The operator ${operator} is for texts.`);
    return pattern.test(String(value));
  };
  const text = String(first);
  switch (operator) {
    case 'eq':
      return present((value) => isEqual(value, first));
    case 'ne':
    case 'neq':
      return absentOr((value) => !isEqual(value, first));
    case 'gt':
      return present((value) => value > first);
    case 'ge':
      return present((value) => value >= first);
    case 'lt':
      return present((value) => value < first);
    case 'le':
      return present((value) => value <= first);
    case 'in':
      return present((value) => values.some((each) => isEqual(value, each)));
    case 'not-in':
      return absentOr((value) => !values.some((each) => isEqual(value, each)));
    case 'between':
      if (second === undefined) throw fetchError('The operator between needs two values.');
      return present((value) => value >= first && value <= second);
    case 'like':
      return present(like);
    case 'not-like':
      return absentOr((value) => !like(value));
    case 'begins-with':
      return present((value) => String(value).startsWith(text));
    case 'ends-with':
      return present((value) => String(value).endsWith(text));
    default:
      throw fetchError(`The operator ${operator} is not emulated.`);
  }
}

function present(test: (value: Comparable) => boolean): ValueTest {
  return (value) => value !== null && test(value);
}

/** Dataverse's "not" operators also bring rows without a value. */
function absentOr(test: (value: Comparable) => boolean): ValueTest {
  return (value) => value === null || test(value);
}

/** A bigint may stand beside a number. */
function isEqual(one: Comparable, other: Comparable): boolean {
  if (typeof one === typeof other) return one === other;
  return typeof one !== 'string' && typeof other !== 'string' && Number(one) === Number(other);
}

/** `%` stands for any characters, and `_` for one. */
function likePattern(text: string): RegExp {
  const escaped = text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('%', '.*').replaceAll('_', '.')}$`, 's');
}
