import { fitting, selectOption, type Member } from './selection.ts';

/**
 * Characters of a URL at most, fully encoded. Under the 32 KB that GET takes, with room for the cookie
 * of a next link, which repeats selection and filter.
 */
const LONGEST_URL = 24_000;
/** Of them for `$select`, so that enough keys fit beside it. */
const LONGEST_SELECT = 8_000;

/**
 * Members in groups that one request each can name: at most `calculated` calculated ones, and no more
 * than fit into a URL with the keys.
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
    // One at least: a name too long for a URL is no Dataverse name.
    const size = Math.max(1, fits);
    groups.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return groups;
}

/**
 * The rows with these keys, as a `$filter`. The query function In is documented in the Web API's
 * reference; it takes any number of ids as far as a URL does.
 */
export function keyFilter(key: string, ids: readonly string[]): string {
  const values = ids.map((id) => `'${id}'`).join(',');
  const filter = `Microsoft.Dynamics.CRM.In(PropertyName='${key}',PropertyValues=[${values}])`;
  return `$filter=${encodeURIComponent(filter)}`;
}

/** How many keys a request for such a group can name. */
export function keysInRequest(base: string, key: string, properties: readonly string[]): number {
  const fixed = [base, selectOption(properties), keyFilter(key, [])].map(encodedLength);
  // 36 characters, two quotes and a comma.
  const each = encodedLength(encodeURIComponent(`'${'0'.repeat(36)}',`));
  return Math.max(1, Math.floor((LONGEST_URL - fixed.reduce((sum, length) => sum + length, 0)) / each));
}

/** URLs have quotes encoded that `encodeURIComponent` leaves, and links may have commas encoded. */
function encodedLength(text: string): number {
  return text.length + 2 * [...text.matchAll(/[',]/g)].length;
}
