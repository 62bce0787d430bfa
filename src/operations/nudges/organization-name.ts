/**
 * Whether a webhook comes from the environment that is mirrored. A copy of an environment keeps the steps of the
 * original, and would go on to send nudges for rows that are not mirrored here.
 *
 * @param given the header `x-ms-dynamics-organization`. Microsoft's "Use webhooks" calls its value the domain name of the
 *   environment, as in `contoso.crm.dynamics.com`. Older copies of that page call it a name, so the id counts as well.
 * @param url the address of the environment.
 * @param organizationId undefined while it is not known.
 */
export function isOwnOrganization(given: string, url: string, organizationId: string | undefined): boolean {
  const name = given
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/$/, '');
  const { host, hostname } = new URL(url);
  if ([host, hostname].some((own) => withoutApi(own) === withoutApi(name))) return true;
  return organizationId !== undefined && name.replace(/^\{(.*)\}$/, '$1') === organizationId.toLowerCase();
}

/** The Web API also answers at `contoso.api.crm.dynamics.com`. */
function withoutApi(domain: string): string {
  return domain.replace(/^([^.]+)\.api\./, '$1.');
}
