import { scrypt } from 'node:crypto';

/** Bytes of the mark. So few that a mark fits very many secrets, and enough to notice that a secret was changed. */
const LENGTH = 4;
const COST = 2 ** 14;

/**
 * The description of an endpoint, with a mark of its secret. The environment never shows a secret again, so the mark
 * tells whether it has the right one. The mark takes long to compute, and says so little that a guess cannot be proven by
 * it.
 *
 * @param name of the endpoint: equal secrets of two endpoints have two marks.
 */
export async function markedDescription(secret: string, name: string): Promise<string> {
  const mark = await new Promise<Buffer>((resolve, reject) => {
    scrypt(secret, name, LENGTH, { N: COST }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
  return `Made by mirrorverse nudge register (${mark.toString('hex')})`;
}
