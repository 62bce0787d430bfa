/** Stands in for a host that an address does not name. No real host can have this name. */
const NO_HOST = 'no-host.invalid';

/** Scheme, then user and password, then port of an address that names no host. */
const WITHOUT_HOST = /^(postgres(?:ql)?:\/\/)([^/?#@]*@)?(?::(\d+))?(?=[/?#]|$)/i;

/**
 * Parses the address of a database as libpq does (PostgreSQL manual, 34.1.1.2 Connection URIs): each part but
 * the scheme may be missing, even the host behind a user. `addressText` writes it again.
 *
 * @returns undefined where the text is no such address.
 */
export function parseAddress(text: string): URL | undefined {
  const withHost = text.replace(
    WITHOUT_HOST,
    (_, scheme: string, user: string | undefined, port: string | undefined) =>
      user === undefined && port === undefined
        ? scheme
        : `${scheme}${user ?? ''}${NO_HOST}${port === undefined ? '' : `:${port}`}`,
  );
  if (!URL.canParse(withHost)) return undefined;
  const url = new URL(withHost);
  return ['postgres:', 'postgresql:'].includes(url.protocol) ? url : undefined;
}

/** The host that an address names, or the directory of a Unix socket; empty where it names none. */
export function addressHost({ hostname, searchParams }: URL): string {
  const named = hostname === NO_HOST ? '' : decodeURIComponent(hostname).replace(/^\[(.+)\]$/, '$1');
  return searchParams.get('host') ?? named;
}

/** The password that an address names; undefined if it names none that can be read. */
export function addressPassword({ password, searchParams }: URL): string | undefined {
  try {
    const named = searchParams.get('password') ?? decodeURIComponent(password);
    return named === '' ? undefined : named;
  } catch {
    // A % that encodes no character.
    return undefined;
  }
}

/** The address for the driver, which knows a user without a host, but no port without a host. */
export function addressText(address: URL): string {
  if (address.hostname !== NO_HOST) return address.href;
  const url = new URL(address);
  if (url.port !== '' && !url.searchParams.has('port')) url.searchParams.set('port', url.port);
  url.port = '';
  return url.href.replace(NO_HOST, '');
}
