import { Failure } from '../../model/failure.ts';

/** Servers that speak PostgreSQL's protocol and lack what a mirror relies on, by what `version()` says of them. */
const UNFIT: readonly (readonly [says: RegExp, engine: string, lacks: string])[] = [
  [/CockroachDB/i, 'CockroachDB', 'in most of its versions advisory locks lock nothing'],
  [/-YB-|Yugabyte/i, 'YugabyteDB', 'it has neither LOCK TABLE nor LISTEN and NOTIFY'],
];

/** The failure of a server that a mirror cannot use; undefined for PostgreSQL. @param version what `version()` says. */
export function unfitEngine(version: string): Failure | undefined {
  const found = UNFIT.find(([says]) => says.test(version));
  if (found === undefined) return undefined;
  const [, engine, lacks] = found;
  return new Failure({
    code: 'engine-unfit',
    message: `The server is ${engine}, and a mirror needs PostgreSQL: ${lacks}.`,
    details: { engine },
  });
}
