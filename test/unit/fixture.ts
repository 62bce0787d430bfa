import { readFileSync } from 'node:fs';

const directory = new URL('../fixtures/', import.meta.url);

export function fixtureText(name: string): string {
  return readFileSync(new URL(name, directory), 'utf8');
}

/** A fixture whose shape the test knows. */
export function fixtureJson<T>(name: string): T {
  return JSON.parse(fixtureText(name)) as T;
}
