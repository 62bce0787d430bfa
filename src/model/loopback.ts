/**
 * Whether what is sent to a host never leaves this machine. The host stands as it is, or as a URL has it.
 * Names are the same in any case, and with the dot that ends a full name (RFC 4343, RFC 1034).
 */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return ['localhost', '::1', '[::1]'].includes(name) || /^127(\.\d{1,3}){3}$/.test(name);
}
