import { z } from 'zod';
import { closestName } from '../../model/closest-name.ts';
import { settingsSchema } from '../settings.ts';

/** The part of a JSON Schema that says which keys there are. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
}

/**
 * The key that an unknown key most likely means: a key beside it of nearly the same name, or a key of the same name
 * elsewhere, in case the unknown key is in a wrong place.
 *
 * @param path of the unknown key.
 */
export function closestKey(path: readonly string[]): string | undefined {
  const schema = z.toJSONSchema(settingsSchema) as Node;
  const parent = path.slice(0, -1);
  const last = path.at(-1) ?? '';
  const beside = nodesAt(schema, parent).flatMap(({ properties = {} }) => Object.keys(properties));
  const near = closestName(last, beside);
  if (near !== null) return [...parent, near].join('.');
  const everywhere = keysBelow(schema);
  const dotted = closestName(path.join('.'), everywhere);
  if (dotted !== null) return dotted;
  const namesakes = everywhere.filter((key) => key.toLowerCase().endsWith(`.${last.toLowerCase()}`));
  return namesakes.length === 1 ? namesakes[0] : undefined;
}

function nodesAt(schema: Node, path: readonly string[]): Node[] {
  let nodes = alternatives(schema);
  for (const name of path) {
    nodes = nodes.flatMap(({ properties, items }) => {
      const inner = properties?.[name] ?? items;
      return inner === undefined ? [] : alternatives(inner);
    });
  }
  return nodes;
}

function alternatives(node: Node): Node[] {
  return [node, ...(node.anyOf ?? []).flatMap(alternatives)];
}

/** The keys of all mappings outside of lists. */
function keysBelow(schema: Node): string[] {
  return alternatives(schema).flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([key, node]) => [
      key,
      ...keysBelow(node).map((inner) => `${key}.${inner}`),
    ]),
  );
}
