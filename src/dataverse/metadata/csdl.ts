import { SaxesParser } from 'saxes';

/** The properties of each entity type, with the inherited ones. */
export type TypeProperties = ReadonlyMap<string, ReadonlySet<string>>;

interface EntityType {
  readonly base: string | undefined;
  readonly properties: Set<string>;
}

/** The element of an OData error in XML, which a server writes when it fails in the middle of the document. */
const ERROR_TAG = /^(?:\w+:)?error$/i;

/**
 * Reads which properties the entity types of a `$metadata` document (CSDL) declare.
 *
 * The CSDL decides what can be selected. On activity tables the flags of the attributes deny all inherited
 * attributes, but the CSDL declares them on the base type `activitypointer`. The document has several
 * megabytes, so it is read as a stream of tags and only names are kept.
 *
 * An XML mistake within an entity type costs that type and the types that inherit from it. They are left out,
 * as if the document did not contain them.
 *
 * @throws Error if the text is not XML, is cut off, or contains an error of the server.
 */
export function readCsdl(xml: string): TypeProperties {
  const types = new Map<string, EntityType>();
  const broken = new Set<string>();
  let current: { readonly name: string; readonly type: EntityType } | undefined;
  let mistake: Error | undefined;
  let root: string | undefined;
  let isWhole = false;
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    mistake ??= error;
    if (current !== undefined) broken.add(current.name);
  });
  parser.on('opentag', (tag) => {
    root ??= tag.name;
    if (ERROR_TAG.test(tag.name)) throw new Error('The document contains an error.');
    const name = tag.attributes['Name'];
    if (tag.name === 'EntityType') {
      current = undefined;
      if (name === undefined) return;
      const base = tag.attributes['BaseType'];
      // If two schemas have a type of one name, the table has the properties of both.
      const type = types.get(name) ?? { base: base?.slice(base.lastIndexOf('.') + 1), properties: new Set() };
      types.set(name, type);
      current = { name, type };
    } else if (tag.name === 'Property' && name !== undefined) {
      current?.type.properties.add(name);
    }
  });
  parser.on('closetag', (tag) => {
    if (tag.name === 'EntityType') current = undefined;
    if (tag.name === root) isWhole = true;
  });
  parser.write(xml).close();
  if (!isWhole || types.size === 0) throw mistake ?? new Error('The document declares nothing.');
  const declared = new Map<string, ReadonlySet<string>>();
  for (const name of types.keys()) {
    const properties = inherited(name, types, broken);
    if (properties !== undefined) declared.set(name, properties);
  }
  return declared;
}

/** The own and inherited properties of a type; undefined if a type in its line is broken or missing. */
function inherited(
  name: string,
  types: ReadonlyMap<string, EntityType>,
  broken: ReadonlySet<string>,
): ReadonlySet<string> | undefined {
  const properties = new Set<string>();
  const visited = new Set<string>();
  for (let at: string | undefined = name; at !== undefined && !visited.has(at);) {
    visited.add(at);
    const type = types.get(at);
    if (type === undefined || broken.has(at)) return undefined;
    for (const property of type.properties) properties.add(property);
    at = type.base;
  }
  return properties;
}
