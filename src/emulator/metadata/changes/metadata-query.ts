import { badRequest, notEmulated, unknownProperty } from '../../web-api/dataverse-error.ts';
import { isDeepStrictEqual } from 'node:util';

type Members = Readonly<Record<string, unknown>>;

/** Which items a query asks for, and which members of them: a MetadataQueryExpression. */
export interface MetadataQuery {
  readonly wants: (item: Members) => boolean;
  /** The members that the query names; null for all. */
  readonly members: readonly string[] | null;
}

/** The parts of an EntityQueryExpression. */
export interface EntityQuery extends MetadataQuery {
  readonly attributes: MetadataQuery;
  readonly relationships: MetadataQuery;
}

/** Reads the JSON of an EntityQueryExpression. Source: Microsoft, "Query schema definitions". */
export function readEntityQuery(text: string): EntityQuery {
  const query = objectOf(parsed(text), 'Query');
  for (const name of ['KeyQuery', 'LabelQuery']) {
    if (query[name] !== undefined && query[name] !== null) throw notEmulated(`A ${name}`);
  }
  const whole = readQuery(query);
  if (query['AttributeQuery'] !== undefined && whole.members?.includes('Attributes') === false) {
    throw badRequest('The Attributes property must be specified for an AttributeQuery.');
  }
  return {
    ...whole,
    attributes: readQuery(objectOf(query['AttributeQuery'] ?? {}, 'AttributeQuery')),
    relationships: readQuery(objectOf(query['RelationshipQuery'] ?? {}, 'RelationshipQuery')),
  };
}

/** The members of an item that a query names, with those that come always. */
export function queriedMembers(
  item: Members,
  { members }: MetadataQuery,
  type: string,
): Record<string, unknown> {
  if (members === null) return { ...item };
  const shown: Record<string, unknown> = {};
  for (const name of members) {
    if (!(name in item)) throw unknownProperty(name, type);
    shown[name] = item[name];
  }
  return { ...shown, MetadataId: item['MetadataId'], HasChanged: item['HasChanged'] };
}

function readQuery(query: Members): MetadataQuery {
  const properties = objectOf(query['Properties'] ?? {}, 'Properties');
  const names = properties['PropertyNames'] ?? [];
  const all = properties['AllProperties'] === true;
  if (!Array.isArray(names)) throw badRequest('PropertyNames must be a list.');
  const { wants } = readFilter(query['Criteria']);
  return { wants, members: all ? null : (names as string[]) };
}

function readFilter(criteria: unknown): Pick<MetadataQuery, 'wants'> {
  if (criteria === undefined || criteria === null) return { wants: () => true };
  const { FilterOperator: operator, Conditions: conditions = [], ...others } = objectOf(criteria, 'Criteria');
  if (Object.keys(others).length > 0) throw notEmulated(`Criteria with ${Object.keys(others).join(', ')}`);
  if (operator !== 'And' && operator !== 'Or') throw badRequest('FilterOperator must be And or Or.');
  if (!Array.isArray(conditions)) throw badRequest('Conditions must be a list.');
  const tests = conditions.map((each) => readCondition(objectOf(each, 'Condition')));
  if (operator === 'And') return { wants: (item) => tests.every((test) => test(item)) };
  return { wants: (item) => tests.some((test) => test(item)) };
}

function readCondition(condition: Members): (item: Members) => boolean {
  const { PropertyName: name, ConditionOperator: operator } = condition;
  const value = objectOf(condition['Value'], 'Value');
  if (typeof name !== 'string') throw badRequest('PropertyName must be a text.');
  const text = String(value['Value']);
  const wanted: unknown = value['Type'] === 'System.Boolean' ? text.toLowerCase() === 'true' : text;
  if (operator !== 'Equals' && operator !== 'NotEquals')
    throw notEmulated(`The operator ${String(operator)}`);
  return (item) => {
    if (!(name in item)) throw unknownProperty(name, 'EntityMetadata');
    return isDeepStrictEqual(item[name], wanted) === (operator === 'Equals');
  };
}

function objectOf(value: unknown, what: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw badRequest(`${what} must be an object.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('The parameter Query is no JSON.');
  }
}
