import { isIP } from 'node:net';

/**
 * Whether a request with this header `host` may be answered on an address of this machine alone. A foreign site can
 * give its own name the address 127.0.0.1, and so make a browser read from here as if from that site ("DNS
 * rebinding"). The browser then sends the name of that site. An address or `localhost` cannot be such a name.
 *
 * @param configured the name that the server was told to listen on.
 */
export function mayAnswer(host: string | undefined, configured: string): boolean {
  if (host === undefined) return true;
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
  if (name.startsWith('[') && name.endsWith(']')) return isIP(name.slice(1, -1)) === 6;
  return [configured.toLowerCase(), 'localhost'].includes(name) || isIP(name) === 4;
}
