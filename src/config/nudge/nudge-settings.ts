import { isLoopback } from '../../model/loopback.ts';
import type { Config, ConfigProblem } from '../config.ts';
import type { Variables } from '../file/file-settings.ts';
import { addMissing } from '../missing.ts';
import type { Settings } from '../settings.ts';

/** The variable with the secret that the environment sends along with each nudge. */
export const NUDGE_SECRET = 'MIRRORVERSE_NUDGE_SECRET';
/** The variable with the connection string of the queue. */
const CONNECTION = 'MIRRORVERSE_NUDGE_QUEUE_CONNECTION';

/**
 * How nudges come in, and what `nudge register` makes in the environment.
 *
 * @param needed whether the command takes nudges, so that the port needs a secret.
 */
export function nudgeFrom(
  settings: Settings,
  variables: Variables,
  needed: boolean,
  problems: ConfigProblem[],
): Config['nudge'] {
  const { nudge, health } = settings;
  const secret = variables[NUDGE_SECRET]?.trim();
  const host = nudge?.host ?? '127.0.0.1';
  if (needed && nudge?.port !== undefined && secret === undefined) {
    addMissing(problems, NUDGE_SECRET, `set it or ${NUDGE_SECRET}_FILE, because nudge.port is set`);
  }
  const connection = variables[CONNECTION];
  if (needed && nudge?.queue !== undefined && connection === undefined) {
    addMissing(problems, CONNECTION, `set it or ${CONNECTION}_FILE, because nudge.queue is set`);
  }
  if (nudge?.port !== undefined && nudge.port !== 0 && nudge.port === health?.port) {
    problems.push({ key: 'nudge.port', message: 'must differ from health.port' });
  }
  const wrong = nudge?.url === undefined ? undefined : addressProblem(nudge.url);
  if (wrong !== undefined) problems.push({ key: 'nudge.url', message: wrong });
  return {
    port: nudge?.port,
    host,
    url: nudge?.url,
    name: nudge?.name,
    secret,
    queue:
      nudge?.queue === undefined || connection === undefined ? undefined : { name: nudge.queue, connection },
  };
}

/** Dataverse posts to https: alone. Only an emulator posts to this machine. */
function addressProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be an address like https://mirror.example.com/hooks/dataverse';
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) {
    return 'must begin with https: (http: is for loopback addresses only)';
  }
  if (username !== '' || password !== '') return 'must not contain a user or a password';
  return search === '' && hash === '' ? undefined : 'must not contain a query or a fragment';
}
