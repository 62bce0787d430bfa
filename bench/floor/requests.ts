/** The floor of an idle pass: one request to each table's delta link, some of them at once. */
import http from 'node:http';

export interface RequestsFloor {
  readonly urls: readonly string[];
  /** The preferences of mirrorverse, without the size of a page. */
  readonly prefer: string;
  /** Requests in flight; one without it. */
  readonly atOnce?: number;
}

export interface RequestsTime {
  readonly milliseconds: number;
}

const { urls, prefer, atOnce = 1 } = JSON.parse(process.argv[2] ?? '') as RequestsFloor;
const agent = new http.Agent({ keepAlive: true });
await get(urls[0] ?? '');
const begun = performance.now();
const left = urls.values();
const work = async (): Promise<void> => {
  for (const url of left) await get(url);
};
await Promise.all(Array.from({ length: atOnce }, work));
const milliseconds = performance.now() - begun;
agent.destroy();
process.send?.({ milliseconds } satisfies RequestsTime);
process.disconnect();

async function get(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      accept: 'application/json',
      'accept-encoding': 'gzip',
      prefer: `odata.maxpagesize=5000,${prefer}`,
    };
    const request = http.get(url, { agent, headers }, (response) => {
      response.on('data', () => undefined);
      response.on('end', resolve);
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
