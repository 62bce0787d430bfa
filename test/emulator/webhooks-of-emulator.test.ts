import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import { eventually } from '../support/command-line.ts';
import { smallTable } from '../support/small-table.ts';

const AUTH = '<settings><setting name="x-mirrorverse-key" value="s3cret" /></settings>';
const ENDPOINT = { name: 'test', contract: 8, authtype: 5, messageformat: 2, authvalue: AUTH };

class Scene implements AsyncDisposable {
  readonly emulator = new DataverseEmulator({ tables: [smallTable('new_car')] });
  readonly calls: { headers: IncomingMessage['headers']; body: string }[] = [];
  status = 204;
  root = '';
  hook = '';
  private readonly server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      this.calls.push({ headers: request.headers, body });
      response.writeHead(this.status).end();
    });
  });

  static async open(): Promise<Scene> {
    const scene = new Scene();
    scene.root = `${await scene.emulator.listen()}/api/data/v9.2/`;
    scene.server.listen(0, '127.0.0.1');
    await once(scene.server, 'listening');
    const address = scene.server.address();
    scene.hook = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
    return scene;
  }

  async ask(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; json: unknown; id: string }> {
    const headers = { authorization: 'Bearer emulator-token', 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(this.root + path, { method, headers, ...sent });
    const text = await response.text();
    const [, id = ''] = /\(([^)]*)\)$/.exec(response.headers.get('odata-entityid') ?? '') ?? [];
    return { status: response.status, json: text === '' ? null : JSON.parse(text), id };
  }

  /** Registers the creation of cars. */
  async register(
    more: object = {},
  ): Promise<{ endpoint: string; step: string; bound: Record<string, string> }> {
    const { id: endpoint } = await this.ask('POST', 'serviceendpoints', { ...ENDPOINT, url: this.hook });
    const messages = (await this.ask('GET', "sdkmessages?$filter=name eq 'Create'")).json as {
      value: { sdkmessageid: string }[];
    };
    const message = messages.value[0]?.sdkmessageid;
    const filters = (
      await this.ask(
        'GET',
        `sdkmessagefilters?$filter=primaryobjecttypecode eq 'new_car' and _sdkmessageid_value eq ${message}`,
      )
    ).json as { value: { sdkmessagefilterid: string }[] };
    const bound = {
      'sdkmessageid@odata.bind': `/sdkmessages(${message})`,
      'sdkmessagefilterid@odata.bind': `/sdkmessagefilters(${filters.value[0]?.sdkmessagefilterid})`,
      'eventhandler_serviceendpoint@odata.bind': `/serviceendpoints(${endpoint})`,
    };
    const { id: step } = await this.ask('POST', 'sdkmessageprocessingsteps', {
      name: 'cars',
      stage: 40,
      mode: 1,
      rank: 1,
      supporteddeployment: 0,
      asyncautodelete: true,
      ...bound,
      ...more,
    });
    return { endpoint, step, bound };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.emulator.close();
    this.server.close();
    this.server.closeAllConnections();
  }
}

it('the emulator posts a registered change with the headers of Dataverse, after the change', async () => {
  await using scene = await Scene.open();
  await scene.register();
  const [id] = scene.emulator.store.seed('new_car', 1);
  await eventually(() => scene.calls.length === 1);
  expect(scene.calls[0]?.headers).toMatchObject({
    'x-mirrorverse-key': 's3cret',
    'x-ms-dynamics-organization': new URL(scene.root).host,
    'x-ms-dynamics-entity-name': 'new_car',
    'x-ms-dynamics-request-name': 'Create',
  });
  expect(JSON.parse(scene.calls[0]?.body ?? '')).toMatchObject({
    MessageName: 'Create',
    PrimaryEntityName: 'new_car',
    PrimaryEntityId: id,
    Mode: 1,
    Stage: 40,
  });
  scene.emulator.store.remove('new_car', id ?? '');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(scene.calls.length).toBe(1);
});

it('the emulator repeats a call once after 503 and never after 500, and a failed call is a system job', async () => {
  await using scene = await Scene.open();
  const { step } = await scene.register();
  for (const [status, calls] of [
    [503, 2],
    [500, 3],
    [302, 4],
  ] as const) {
    scene.status = status;
    scene.emulator.store.seed('new_car', 1);
    const jobs = scene.emulator.webhooks.jobs.size;
    await eventually(() => scene.emulator.webhooks.jobs.size > jobs);
    expect(scene.calls.length).toBe(calls);
  }
  const failed = await scene.ask(
    'GET',
    `asyncoperations?$filter=statuscode eq 31 and _owningextensionid_value eq ${step}&$count=true&$top=1`,
  );
  expect(failed.json).toMatchObject({ '@odata.count': 3 });
});

it('the emulator leaves the large parts of a context of more than 256 KB out', async () => {
  await using scene = await Scene.open();
  await scene.register();
  scene.emulator.store.insert('new_car', { new_name: 'x'.repeat(300_000) });
  await eventually(() => scene.calls.length === 1);
  expect(scene.calls[0]?.headers['x-ms-dynamics-msg-size-exceeded']).toBe('true');
  expect(scene.calls[0]?.body.length).toBeLessThan(10_000);
});

it('the emulator refuses what Dataverse refuses: names in other cases, plain http, a key that is read, an endpoint in use', async () => {
  await using scene = await Scene.open();
  const { endpoint, step, bound } = await scene.register();
  const { 'sdkmessageid@odata.bind': message = '', ...others } = bound;
  const pascal = { ...others, 'SdkMessageId@odata.bind': message, stage: 40, mode: 1 };
  expect((await scene.ask('POST', 'sdkmessageprocessingsteps', pascal)).status).toBe(400);
  const plain = { ...ENDPOINT, url: 'http://mirror.example.com/' };
  expect((await scene.ask('POST', 'serviceendpoints', plain)).status).toBe(400);
  const read = await scene.ask('GET', `serviceendpoints(${endpoint})?$select=name,authvalue,isauthvalueset`);
  expect(read.json).toMatchObject({ name: 'test', authvalue: null, isauthvalueset: true });
  expect((await scene.ask('GET', 'serviceendpoints?$select=secret')).status).toBe(400);
  const again = { ...ENDPOINT, url: scene.hook, serviceendpointid: endpoint };
  expect((await scene.ask('POST', 'serviceendpoints', again)).status).toBe(412);
  expect((await scene.ask('DELETE', `serviceendpoints(${endpoint})`)).status).toBe(400);
  expect((await scene.ask('DELETE', `sdkmessageprocessingsteps(${step})`)).status).toBe(204);
  expect((await scene.ask('DELETE', `sdkmessageprocessingsteps(${step})`)).status).toBe(404);
  expect((await scene.ask('DELETE', `serviceendpoints(${endpoint})`)).status).toBe(204);
});
