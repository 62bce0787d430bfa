import { SaxesParser } from 'saxes';

/** One `<Property>`: its name and Edm type. */
export interface CsdlProperty {
  readonly name: string;
  readonly type: string;
}

/** One `<EntityType>` with its own declarations, without inherited ones. */
export interface CsdlType {
  readonly name: string;
  /** Name of the base type, or null. */
  readonly base: string | null;
  readonly isAbstract: boolean;
  readonly keys: string[];
  readonly properties: CsdlProperty[];
  /** By property, the types that it points at, from the referential constraints of the navigation properties. */
  readonly targets: Map<string, string[]>;
}

export interface CsdlDocument {
  readonly types: ReadonlyMap<string, CsdlType>;
  /** Entity set names by the name of their type. */
  readonly sets: ReadonlyMap<string, string>;
}

/** Reads the types and sets of a `$metadata` document. @throws Error if the XML is not well-formed. */
export function readCsdlDocument(xml: string): CsdlDocument {
  const types = new Map<string, CsdlType>();
  const sets = new Map<string, string>();
  let current: CsdlType | undefined;
  let target = '';
  const parser = new SaxesParser();
  parser.on('opentag', ({ name: tag, attributes }) => {
    const name = attributes['Name'] ?? '';
    switch (tag) {
      case 'EntityType':
        current = {
          name,
          base: attributes['BaseType'] === undefined ? null : withoutNamespace(attributes['BaseType']),
          isAbstract: attributes['Abstract'] === 'true',
          keys: [],
          properties: [],
          targets: new Map(),
        };
        types.set(name, current);
        break;
      case 'PropertyRef':
        current?.keys.push(name);
        break;
      case 'Property':
        current?.properties.push({ name, type: attributes['Type'] ?? '' });
        break;
      case 'NavigationProperty':
        target = withoutNamespace(attributes['Type'] ?? '');
        break;
      case 'ReferentialConstraint':
        addTarget(current, attributes['Property'] ?? '', target);
        break;
      case 'EntitySet':
        sets.set(withoutNamespace(attributes['EntityType'] ?? ''), name);
        break;
    }
  });
  parser.on('closetag', ({ name }) => {
    if (name === 'EntityType') current = undefined;
  });
  parser.write(xml).close();
  return { types, sets };
}

/** A type and the types that it inherits from; the type itself is first. */
export function ancestry(document: CsdlDocument, name: string): CsdlType[] {
  const line: CsdlType[] = [];
  let type = document.types.get(name);
  while (type !== undefined && !line.includes(type)) {
    line.push(type);
    type = type.base === null ? undefined : document.types.get(type.base);
  }
  return line;
}

function addTarget(type: CsdlType | undefined, property: string, target: string): void {
  if (type === undefined) return;
  const targets = type.targets.get(property) ?? [];
  if (!targets.includes(target)) targets.push(target);
  type.targets.set(property, targets);
}

function withoutNamespace(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
