import { BlockList, isIP } from 'node:net';
import { isLoopback } from '../../model/loopback.ts';

/** The proxy of HTTPS_PROXY, and the entries of NO_PROXY. */
export interface ProxySettings {
  /** Its address, http: or https:, perhaps with user and password. Messages name it by `proxyName`. */
  readonly url: string;
  /** Addresses that are reached without it, in lower case. */
  readonly exceptions: readonly string[];
}

/** Host and port of the proxy: what a message may say of it. */
export function proxyName({ url }: ProxySettings): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port === '' ? defaultPort(protocol) : port}`;
}

/** The port of an address that names none. */
export function defaultPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80;
}

/**
 * Whether a connection to such an https: address goes by the proxy. Plain http: is for this machine alone, and never
 * goes by a proxy. A proxy on another machine would take a loopback address for its own machine, so it gets none.
 *
 * NO_PROXY has no standard. An entry is `*`, a name (which stands for its subdomains too, with or without a dot before
 * it), an IP address, or a CIDR block; each may end with a port. This is how curl and Go read it.
 *
 * @param host as it stands in a URL.
 */
export function goesByProxy(proxy: ProxySettings, host: string, port: number): boolean {
  const name = plainHost(host);
  if (isLoopback(name) && !isLoopback(new URL(proxy.url).hostname)) return false;
  return !proxy.exceptions.some((entry) => isException(entry, name, port));
}

function isException(entry: string, name: string, port: number): boolean {
  if (entry === '*') return true;
  const [, host = entry, ownPort] = /^(\[.+\]|[^:]+):(\d+)$/.exec(entry) ?? [];
  if (ownPort !== undefined && Number(ownPort) !== port) return false;
  const excepted = plainHost(host.replace(/^\*?\./, ''));
  const version = isIP(name);
  if (version === 0) return name === excepted || name.endsWith(`.${excepted}`);
  const [network = '', prefix] = excepted.split('/');
  if (isIP(network) !== version) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const longest = version === 4 ? 32 : 128;
  if (prefix !== undefined && !(/^\d+$/.test(prefix) && Number(prefix) <= longest)) return false;
  const block = new BlockList();
  block.addSubnet(network, prefix === undefined ? longest : Number(prefix), family);
  return block.check(name, family);
}

/** A host without what a URL or a full name may add: brackets, the dot at the end, capital letters. */
function plainHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.+)\]/, '$1')
    .replace(/\.$/, '');
}
