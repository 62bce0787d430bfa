import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';

type Found = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** Milliseconds for a name. A name service that does not answer would take half a minute to say so. */
const TIME_LIMIT = 3_000;

/** Looks a name up as Node.js does, but gives up with EAI_AGAIN, the code for a name service in trouble. */
export function limitedLookup(name: string, options: LookupOptions, found: Found): void {
  const late = setTimeout(() => {
    over(Object.assign(new Error('The name service does not answer.'), { code: 'EAI_AGAIN' }), []);
  }, TIME_LIMIT);
  let isOver = false;
  const over: Found = (...result) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(late);
    found(...result);
  };
  lookup(name, options, over);
}
