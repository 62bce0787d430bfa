/** A text by language code, as 1033 for English. A language without a text is not in it. */
export type LocalizedText = ReadonlyMap<number, string>;

/** What kind of column an option belongs to. */
export type ChoiceKind = 'picklist' | 'multiselect' | 'state' | 'status' | 'boolean';

/** What the environment says of one attribute. */
export interface ColumnLabels {
  /** Logical name. */
  readonly name: string;
  readonly displayName: LocalizedText;
  readonly description: LocalizedText;
  /** AttributeType, `Virtual` for multi-select, file and image alike. */
  readonly attributeType: string | null;
  /** AttributeTypeName, `MultiSelectPicklistType` for example. */
  readonly attributeTypeName: string | null;
  /** The attribute it is a companion of. */
  readonly attributeOf: string | null;
  readonly columnNumber: number | null;
  readonly metadataId: string | null;
  /** Digits after the point of a decimal, double or money; null unless details were asked for. */
  readonly precision: number | null;
  /** Characters a text may have; null unless details were asked for. */
  readonly maxLength: number | null;
}

export interface Option {
  readonly value: number;
  readonly label: LocalizedText;
  readonly description: LocalizedText;
  /** `#0000ff` for example. */
  readonly color: string | null;
  readonly externalValue: string | null;
  /** Of a status: the state it belongs to. */
  readonly state: number | null;
  /** Of a state: the status a row gets with it. */
  readonly defaultStatus: number | null;
  /** Of a state: its name in every language, `Active` for example. */
  readonly invariantName: string | null;
}

/** A choice column and its options, in the order they are shown in. */
export interface Choice {
  /** Logical name of the column. */
  readonly column: string;
  readonly kind: ChoiceKind;
  /** Name of the option set, which several columns share where it is global. */
  readonly optionSet: string | null;
  readonly isGlobal: boolean;
  readonly options: readonly Option[];
}

/** A table a lookup may point at. */
export interface LookupTarget {
  /** Logical name of the lookup. */
  readonly column: string;
  readonly table: string;
  /** The target's primary id and primary name; null where the environment names none. */
  readonly idAttribute: string | null;
  readonly nameAttribute: string | null;
}

/** One table's labels in every language the environment has. */
export interface TableLabels {
  /** Logical name. */
  readonly table: string;
  readonly displayName: LocalizedText;
  readonly collectionName: LocalizedText;
  readonly description: LocalizedText;
  readonly columns: readonly ColumnLabels[];
  readonly choices: readonly Choice[];
  readonly targets: readonly LookupTarget[];
}
