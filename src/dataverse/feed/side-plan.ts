import { fitting, selectOption, type Member } from './selection.ts';

/**
 * Characters of a fully encoded URL at most: less than the 32 KB of a GET, to leave room for the cookie of a
 * next link, which repeats selection and filter.
 */
const LONGEST_URL = 24_000;
/** Characters of these for `$select`, so that enough keys fit too. */
const LONGEST_SELECT = 8_000;

/**
 * Members in groups for one request each: at most `calculated` calculated ones, and no more than fit into a
 * URL together with the keys.
 */
export function memberGroups(members: readonly Member[], calculated: number): Member[][] {
  const groups: Member[][] = [];
  let rest = members;
  while (rest.length > 0) {
    let counted = 0;
    const tooMany = rest.findIndex((member) => member.calculated && ++counted > calculated);
    const allowed = tooMany === -1 ? rest : rest.slice(0, tooMany);
    const fits = fitting(
      allowed.map(({ property }) => property),
      LONGEST_SELECT,
    );
    // At least one: no Dataverse name is too long for a URL.
    const size = Math.max(1, fits);
    groups.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return groups;
}

/**
 * A `$filter` for the rows with these keys. The query function In is documented in the reference of the Web
 * API. It accepts as many ids as fit into a URL.
 */
export function keyFilter(key: string, ids: readonly string[]): string {
  const values = ids.map((id) => `'${id}'`).join(',');
  const filter = `Microsoft.Dynamics.CRM.In(PropertyName='${key}',PropertyValues=[${values}])`;
  return `$filter=${encodeURIComponent(filter)}`;
}

/** How many keys a request for these properties can name. */
export function keysInRequest(base: string, key: string, properties: readonly string[]): number {
  const fixed = [base, selectOption(properties), keyFilter(key, [])].map(encodedLength);
  // 36 characters, two quotes and a comma.
  const each = encodedLength(encodeURIComponent(`'${'0'.repeat(36)}',`));
  return Math.max(1, Math.floor((LONGEST_URL - fixed.reduce((sum, length) => sum + length, 0)) / each));
}

/** The length after quotes, which `encodeURIComponent` leaves, and commas, which links may encode, are encoded. */
function encodedLength(text: string): number {
  return text.length + 2 * [...text.matchAll(/[',]/g)].length;
}
