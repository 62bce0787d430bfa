import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import type { Document, LineCounter, YAMLError } from 'yaml';
import type { ConfigProblem } from '../config.ts';

/** Where a key stands in the file; both numbers begin with 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A configuration file as a tree, with the places of its keys. */
export interface YamlFile {
  readonly tree: Record<string, unknown>;
  /** The place of what a path leads to: a key, or an item of a list; of the item if a key is missing in it. */
  readonly place: (path: readonly string[]) => Place | undefined;
}

/**
 * Parses a configuration file.
 *
 * @param name of the file, as problems call it.
 * @returns undefined if the file cannot be read as a mapping. Each mistake is one problem then.
 */
export function parseYamlFile(text: string, name: string, problems: ConfigProblem[]): YamlFile | undefined {
  // A user who sets only variables has no file, and the parser takes a tenth of the time of a start.
  const yaml = createRequire(import.meta.url)('yaml') as typeof Yaml;
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines });
  const mistakes = mistakesIn(yaml, document, lines);
  for (const { message, ...place } of mistakes) problems.push({ key: name, message, ...place });
  if (mistakes.length > 0) return undefined;
  const tree = treeOf(document);
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    problems.push({ key: name, message: 'must be a mapping of keys to values' });
    return undefined;
  }
  return {
    tree: tree as Record<string, unknown>,
    place: (path) => {
      const offset = offsetOf(yaml, document, path);
      return offset === undefined ? undefined : placeAt(lines, offset);
    },
  };
}

/** The document as a tree; undefined if its aliases expand to far too much. */
function treeOf(document: Document.Parsed): unknown {
  try {
    return document.toJS() ?? {};
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

type Mistake = Place & { readonly message: string };

/** The first mistake of each line, because the parser finds others behind it that are none. */
function mistakesIn(yaml: typeof Yaml, document: Document.Parsed, lines: LineCounter): Mistake[] {
  const found: Mistake[] = [...document.errors, ...document.warnings].map((error) => ({
    ...placeAt(lines, beginningOf(yaml, document, error)),
    message: describeError(error),
  }));
  const aliases: Mistake[] = [];
  yaml.visit(document, {
    Alias(_, alias) {
      // A schedule such as */5 is an alias for the parser. The file needs no aliases, so most of them are mistakes.
      const place = placeAt(lines, alias.range?.[0] ?? 0);
      const isBroken = found.some(({ line }) => line === place.line);
      if (isBroken || alias.resolve(document) === undefined) aliases.push({ ...place, message: ALIAS });
    },
  });
  const byLine = new Map<number, Mistake>();
  for (const mistake of [...aliases, ...found]) {
    if (!byLine.has(mistake.line)) byLine.set(mistake.line, mistake);
  }
  return [...byLine.values()].toSorted((a, b) => a.line - b.line);
}

/** The parser finds at the end of the file that a quote is not closed. The mistake is where the quote begins. */
function beginningOf(yaml: typeof Yaml, document: Document.Parsed, { code, pos }: YAMLError): number {
  let beginning = pos[0];
  if (code !== 'MISSING_CHAR') return beginning;
  yaml.visit(document, {
    Scalar(_, { type, range }) {
      const isQuoted = type === 'QUOTE_SINGLE' || type === 'QUOTE_DOUBLE';
      if (isQuoted && range && range[0] <= pos[0] && range[1] >= pos[0]) [beginning] = range;
    },
  });
  return beginning;
}

const ALIAS = 'is not valid YAML: an alias without an anchor; put a value that begins with * in quotes';

const SPECIAL = 'a value begins with a character that is special in YAML; put the value in quotes';

/** The codes of the parser in plain words. Its messages may quote the text, and a password in it. */
const MEANINGS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  BAD_DQ_ESCAPE: 'a backslash in double quotes that escapes nothing; use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines above it',
  BAD_SCALAR_START: SPECIAL,
  BLOCK_AS_IMPLICIT_KEY: 'a second colon in one line, or a key that is indented too far',
  BLOCK_IN_FLOW: 'a list or mapping that is indented stands inside brackets',
  DUPLICATE_KEY: 'the same key a second time',
  MISSING_CHAR: 'a closing quote, bracket or colon is missing',
  MULTILINE_IMPLICIT_KEY: 'a key has no colon behind it',
  MULTIPLE_DOCS: 'a second document begins here; a configuration is one document',
  TAB_AS_INDENT: 'a tab at the beginning of the line; indent by spaces',
  TAG_RESOLVE_FAILED: 'a tag that YAML does not know; put a value that begins with ! in quotes',
};

function describeError({ code }: YAMLError): string {
  return `is not valid YAML: ${MEANINGS[code] ?? code.toLowerCase().replaceAll('_', ' ')}`;
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function offsetOf(yaml: typeof Yaml, document: Document.Parsed, path: readonly string[]): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  let isItem = false;
  for (const name of path) {
    if (yaml.isAlias(node)) node = node.resolve(document);
    if (yaml.isMap(node)) {
      const pair = node.items.find(({ key }) => yaml.isScalar(key) && String(key.value) === name);
      if (pair === undefined) return isItem ? offset : undefined;
      offset = (pair.key as Yaml.Scalar).range?.[0] ?? offset;
      node = pair.value;
      isItem = false;
    } else if (yaml.isSeq(node)) {
      node = node.items[Number(name)];
      if (!yaml.isNode(node)) return undefined;
      offset = node.range?.[0] ?? offset;
      isItem = true;
    } else return undefined;
  }
  return offset;
}
