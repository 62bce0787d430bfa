import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { uploadBody } from '../../src/emulator/store/file-bodies.ts';
import { openBench } from '../support/bench.ts';
import { BucketServer } from '../support/bucket-server.ts';
import { eventually } from '../support/command-line.ts';

const YAML = `schedule: '* * * * * *'
labels: false
files: { to: 's3://mirror/crm', share: 100% }
tables: [{ name: account, files: true }]
`;

it('the commands fetch bodies into a bucket, tell how many, and remove those of a row that is erased', async () => {
  await using bucket = await BucketServer.open();
  const { region, credentials, endpoint = '' } = bucket.place();
  await using bench = await openBench([], {
    MIRRORVERSE_TABLES: '',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: endpoint,
  });
  const { cli, emulator } = bench;
  await cli.file('mirrorverse.yaml', YAML);
  const upload = (): string => {
    const key = emulator.store.insert('account', { name: 'Contoso' });
    const body = { bytes: randomBytes(1_000), name: 'a.pdf', mimeType: 'application/pdf' };
    uploadBody(emulator.store, ['account', key, 'new_contract'], body);
    return key;
  };
  const first = upload();
  const lost = upload();
  emulator.store.bodies.lose(
    JSON.parse(emulator.store.truth('account').get(lost)?.get('new_contract') ?? '') as string,
  );

  const check = await cli.run(['check']);
  expect(check.stdout).toContain('bodies can be stored in s3://mirror/crm');
  expect(check.stdout).toContain('bodies are fetched of');
  const sync = await cli.json(['sync']);
  expect(sync.status).toBe(0);
  expect(sync.document).toMatchObject({
    files: { fetched: 1, stored: 1, waiting: 0, failed: 1, error: null },
  });
  expect(bucket.objects.size).toBe(1);

  const daemon = cli.start(['run']);
  upload();
  await eventually(() => bucket.objects.size === 2);
  emulator.store.remove('account', first);
  await eventually(() => bucket.objects.size === 1);
  expect(await daemon.stop('SIGTERM')).toMatchObject({ status: 0 });

  await cli.file('mirrorverse.yaml', YAML.replace('share: 100%', 'deletes: keep'));
  const [left] = (await bench.database.query<{ key: string }>('SELECT key FROM dataverse._file')).map(
    ({ key }) => key,
  );
  emulator.store.remove('account', left ?? '');
  expect((await cli.run(['sync'])).status).toBe(0);
  expect(bucket.objects.size).toBe(1);
  const erased = await cli.json(['erase', 'account', left ?? '']);
  expect(erased.document).toMatchObject({ removed: { files: 1 }, bodiesLeft: 0 });
  expect(bucket.objects.size).toBe(0);

  bucket.fault = () => 403;
  upload();
  const refused = await cli.run(['sync']);
  expect(refused.status).toBe(1);
  expect(refused.stdout).toContain('stopped: files-place-unusable');
  for (const { stdout, stderr } of [check, sync, refused]) {
    expect(`${stdout}${stderr}`).not.toContain(credentials.secretAccessKey);
  }
});
