import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';

/** How a process is named in pg_stat_activity as long as it uses the cluster. */
const PRESENCE = 'mirrorverse: embedded PostgreSQL in use';

/** Our own closed connections may linger in pg_stat_activity for a moment. */
const LINGER_POLLS = 10;
const LINGER_POLL_MS = 50;

/** A connection by which other processes see the cluster in use. */
export interface Presence {
  readonly client: Client;
  /** Of the connection: unreferenced while idle, so that it does not keep a process from ending. */
  readonly socket: Socket;
}

/** Connects to stay. */
export async function connectPresence(url: string): Promise<Presence> {
  const socket = new Socket();
  const client = new Client({
    connectionString: url,
    application_name: PRESENCE,
    connectionTimeoutMillis: 5_000,
    stream: () => socket,
  });
  // A server stopped by hand ends the connection; the next query notices that by itself.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return { client, socket };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Whether nobody else is connected to the cluster: no other process that uses it, nor any client. */
export async function isAlone({ client }: Presence): Promise<boolean> {
  for (let poll = 0; poll < LINGER_POLLS; poll += 1) {
    const { rows } = await client.query<{ processes: number; all: number }>(
      `select count(*) filter (where application_name = $1)::int as processes, count(*)::int as "all"
         from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      [PRESENCE],
    );
    if (rows[0]?.all === 0) return true;
    if (rows[0]?.processes !== 0) return false;
    await delay(LINGER_POLL_MS);
  }
  return false;
}
