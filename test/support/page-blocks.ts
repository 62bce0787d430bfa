import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The blocks of a page of the documentation, in their order and without the indentation of a list.
 *
 * @param language as after the fence; empty for blocks of no language, such as commands.
 */
export function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', page), 'utf8');
  const fences = text.matchAll(/^( *)```(\w*)\n(.*?)^ *```$/gms);
  return [...fences]
    .filter(([, , named]) => named === language)
    .map(([, indent = '', , block = '']) => block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
}

/** The commands of mirrorverse that a page names in blocks of their own, as arguments. */
export function commandsOf(page: string): string[][] {
  return blocksOf(page, '')
    .flatMap((block) => block.split('\n'))
    .filter((line) => line.startsWith('mirrorverse '))
    .map((line) => line.split(' ').slice(1));
}
