import type { LookupAddress, LookupOptions } from 'node:dns';
import { BlockList, isIPv4 } from 'node:net';
import { limitedLookup } from '../../dataverse/network/limited-lookup.ts';

/** IPv4 addresses that are not reached over the internet (IANA's registry of special addresses). */
const NOT_PUBLIC = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local, with the metadata service of most clouds.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  // A service of Azure's machines has this public address.
  ['168.63.129.16', 32],
] as const) {
  NOT_PUBLIC.addSubnet(network, bits);
}

/** The part of IPv6 that is given out, and what of it stands for something else. */
const GLOBAL = new BlockList();
GLOBAL.addSubnet('2000::', 3, 'ipv6');
const NOT_GLOBAL = new BlockList();
// Teredo and others, documentation, and 6to4, which has an IPv4 address inside.
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  NOT_GLOBAL.addSubnet(network, bits, 'ipv6');
}

/** Whether an IP address is one of the internet: not of this machine, of a private network, or of a cloud's machinery. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !NOT_PUBLIC.check(address);
  return GLOBAL.check(address, 'ipv6') && !NOT_GLOBAL.check(address, 'ipv6');
}

/** The code of a host that has no public address. */
export const NO_PUBLIC_ADDRESS = 'no-public-address';

type Lookup = typeof limitedLookup;

/**
 * Looks a name up and gives only public addresses. The connection is made to one of them, so a name that gets another
 * address a moment later gains nothing.
 *
 * @param lookup the name service.
 */
export function publicLookup(lookup: Lookup = limitedLookup): Lookup {
  return (name: string, options: LookupOptions, found) => {
    lookup(name, { ...options, all: true }, (error, addresses) => {
      const all = typeof addresses === 'string' ? [] : addresses;
      const reachable = all.filter(({ address }) => isPublicAddress(address));
      const [first] = reachable;
      if (error !== null || first === undefined) found(error ?? noPublicAddress(all), []);
      else if (options.all === true) found(null, reachable);
      else found(null, first.address, first.family);
    });
  };
}

function noPublicAddress(all: readonly LookupAddress[]): NodeJS.ErrnoException {
  const message = all.length === 0 ? 'The host has no address.' : 'The host has no public address.';
  return Object.assign(new Error(message), { code: NO_PUBLIC_ADDRESS });
}
