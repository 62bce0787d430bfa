// Loaded into the command under test with --import: writes down every host it looks up or connects to.
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';

const file = process.env['CONNECTIONS_FILE'] ?? '';
const note = (host: string): void => appendFileSync(file, `${host}\n`);

// oxlint-disable-next-line typescript/unbound-method -- it is called with its socket below.
const original = Socket.prototype.connect as unknown as (this: Socket, ...args: unknown[]) => Socket;
Socket.prototype.connect = function connect(this: Socket, ...args: unknown[]): Socket {
  this.on('lookup', (_error, _address, _family, host: string) => note(host));
  this.on('connectionAttempt', (address: string) => note(address));
  return original.apply(this, args);
};
