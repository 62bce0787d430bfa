import { SaxesParser } from 'saxes';

/** Properties of each entity type that was asked for, inherited ones included. */
export type TypeProperties = ReadonlyMap<string, ReadonlySet<string>>;

interface EntityType {
  readonly base: string | undefined;
  readonly properties: string[];
}

/**
 * Reads a `$metadata` document (CSDL) for what its entity types declare.
 *
 * The CSDL is the authority on what can be selected: on activity tables the attributes' own flags
 * deny every inherited one, while the CSDL declares them on the base type `activitypointer`. The
 * document is several megabytes, so it is read as a stream of tags and only names are kept.
 *
 * @throws Error when the text is no well-formed XML.
 */
export function readCsdl(xml: string): TypeProperties {
  const types = new Map<string, EntityType>();
  let current: EntityType | undefined;
  const parser = new SaxesParser();
  parser.on('opentag', (tag) => {
    const name = tag.attributes['Name'];
    if (tag.name === 'EntityType' && name !== undefined) {
      const base = tag.attributes['BaseType'];
      current = { base: base?.slice(base.lastIndexOf('.') + 1), properties: [] };
      types.set(name, current);
    } else if (tag.name === 'Property' && name !== undefined) {
      current?.properties.push(name);
    }
  });
  parser.on('closetag', (tag) => {
    if (tag.name === 'EntityType') current = undefined;
  });
  parser.write(xml).close();
  return new Map([...types.keys()].map((name) => [name, inherited(name, types)]));
}

function inherited(name: string, types: ReadonlyMap<string, EntityType>): ReadonlySet<string> {
  const properties = new Set<string>();
  const visited = new Set<string>();
  for (let at: string | undefined = name; at !== undefined && !visited.has(at);) {
    visited.add(at);
    const type: EntityType | undefined = types.get(at);
    for (const property of type?.properties ?? []) properties.add(property);
    at = type?.base;
  }
  return properties;
}
