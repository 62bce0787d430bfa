import type {
  Choice,
  ChoiceKind,
  ColumnLabels,
  LocalizedText,
  TableLabels,
} from '../../src/model/option-labels.ts';

/** Texts by language, as `{ 1033: 'Account' }`. */
export type Texts = Readonly<Record<number, string>>;

export function texts(by: Texts = {}): LocalizedText {
  return new Map(Object.entries(by).map(([language, text]) => [Number(language), text]));
}

/** An attribute; its AttributeType follows from the name of its type. */
export function columnLabels(name: string, attributeTypeName: string, displayName: Texts = {}): ColumnLabels {
  return {
    name,
    displayName: texts(displayName),
    description: texts(),
    attributeType:
      attributeTypeName === 'MultiSelectPicklistType' ? 'Virtual' : attributeTypeName.replace(/Type$/, ''),
    attributeTypeName,
    attributeOf: null,
    columnNumber: null,
    metadataId: null,
    precision: null,
    maxLength: null,
  };
}

const TYPE_OF: Readonly<Record<ChoiceKind, string>> = {
  picklist: 'PicklistType',
  multiselect: 'MultiSelectPicklistType',
  state: 'StateType',
  status: 'StatusType',
  boolean: 'BooleanType',
};

/** A choice column; options by value. */
export function choice(
  column: string,
  kind: ChoiceKind,
  options: Readonly<Record<number, Texts>>,
  more: Partial<Choice> & { readonly states?: Readonly<Record<number, number>> } = {},
): Choice {
  const { states = {}, ...rest } = more;
  return {
    column,
    kind,
    optionSet: `set_${column}`,
    isGlobal: false,
    options: Object.entries(options).map(([value, label]) => ({
      value: Number(value),
      label: texts(label),
      description: texts(),
      color: null,
      externalValue: null,
      state: states[Number(value)] ?? null,
      defaultStatus: null,
      invariantName: null,
    })),
    ...rest,
  };
}

/** A lookup and its targets: table, primary id, primary name. */
export type Lookup = readonly [column: string, ...targets: (readonly [string, string, string | null])[]];

/** Labels of a table, with an attribute for every choice, lookup and further column. */
export function tableLabels(
  table: string,
  parts: {
    readonly name?: Texts;
    readonly columns?: readonly ColumnLabels[];
    readonly choices?: readonly Choice[];
    readonly lookups?: readonly Lookup[];
  } = {},
): TableLabels {
  const { name = {}, columns = [], choices = [], lookups = [] } = parts;
  return {
    table,
    displayName: texts(name),
    collectionName: texts(),
    description: texts(),
    columns: [
      ...columns,
      ...choices.map(({ column, kind }) => columnLabels(column, TYPE_OF[kind])),
      ...lookups.map(([column]) => columnLabels(column, 'LookupType')),
    ],
    choices,
    targets: lookups.flatMap(([column, ...targets]) =>
      targets.map(([target, idAttribute, nameAttribute]) => {
        return { column, table: target, idAttribute, nameAttribute };
      }),
    ),
  };
}
