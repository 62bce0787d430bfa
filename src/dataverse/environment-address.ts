/**
 * The address of an environment without a slash at its end: scheme and host, and on premises the path of the
 * organization, as in `https://crm.contoso.com/contoso`.
 */
export function environmentAddress(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
}
