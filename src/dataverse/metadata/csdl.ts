import { SaxesParser } from 'saxes';

/** Properties of each entity type that was asked for, inherited ones included. */
export type TypeProperties = ReadonlyMap<string, ReadonlySet<string>>;

interface EntityType {
  readonly base: string | undefined;
  readonly properties: Set<string>;
}

/** What OData calls an error in XML, written by a server that fails in the middle of the document. */
const ERROR_TAG = /^(?:\w+:)?error$/i;

/**
 * Reads a `$metadata` document (CSDL) for what its entity types declare.
 *
 * The CSDL is the authority on what can be selected: on activity tables the attributes' own flags
 * deny every inherited one, while the CSDL declares them on the base type `activitypointer`. The
 * document is several megabytes, so it is read as a stream of tags and only names are kept.
 *
 * A mistake in the document costs the entity type that it is in, and those that inherit from it: they
 * are left out, as if the document said nothing of them.
 *
 * @throws Error when the text is no XML, is cut off, or tells of an error of the server.
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
    if (ERROR_TAG.test(tag.name)) throw new Error('The document tells of an error.');
    const name = tag.attributes['Name'];
    if (tag.name === 'EntityType') {
      current = undefined;
      if (name === undefined) return;
      const base = tag.attributes['BaseType'];
      // Of two of one name, in two schemas, a table has what either declares.
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

/** Undefined where a type that it inherits from is broken or missing. */
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
