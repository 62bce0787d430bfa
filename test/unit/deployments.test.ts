import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..', '..');
const CHART = join('deploy', 'helm', 'mirrorverse');
const textOf = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const README = textOf('README.md');
const manifest = z.object({ version: z.string() }).parse(JSON.parse(textOf('package.json')));

/** Names of variables in a text that README.md does not know. */
function unknownVariables(text: string): string[] {
  const named = [...text.matchAll(/\b(?:MIRRORVERSE|AZURE|DATAVERSE|DATABASE)_[A-Z0-9_]+\b/g)].map(
    ([name]) => name,
  );
  return named.filter((name) => !README.includes(name) && !README.includes(name.replace(/_FILE$/, '')));
}

/** Whether a value of the chart is there, by its path. */
function hasValue(values: unknown, path: string): boolean {
  let at = values;
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || !(name in at)) return false;
    at = (at as Record<string, unknown>)[name];
  }
  return true;
}

describe('the Helm chart', () => {
  const values = parse(textOf(CHART, 'values.yaml')) as Record<string, unknown>;
  const everything = parse(textOf(CHART, 'ci', 'all.yaml')) as Record<string, unknown>;
  const templates = globSync('*', { cwd: join(ROOT, CHART, 'templates') });
  const template = (name: string): string => textOf(CHART, 'templates', name);
  const isValid = new Ajv({ allErrors: true, strict: false }).compile(
    JSON.parse(textOf(CHART, 'values.schema.json')) as Record<string, unknown>,
  );

  it('the chart has the version of the package', () => {
    const chart = z
      .object({ version: z.string(), appVersion: z.string() })
      .parse(parse(textOf(CHART, 'Chart.yaml')));
    expect(chart).toEqual({ version: manifest.version, appVersion: manifest.version });
  });

  it('each value that a template reads stands in values.yaml', () => {
    const read = templates.flatMap((name) =>
      [...template(name).matchAll(/\.Values\.([\w.]+)/g)].map(([, path = '']) => path),
    );
    expect(read.length).toBeGreaterThan(30);
    expect(read.filter((path) => !hasValue(values, path))).toEqual([]);
  });

  it('the schema takes the values of the checks, and refuses a chart without an environment', () => {
    expect(isValid({ ...values, ...everything })).toBe(true);
    expect(isValid(values)).toBe(false);
  });

  it.each([
    ['an unknown key', { replicas: 2 }],
    ['a digest that is none', { image: { repository: 'a', digest: 'sha256:1' } }],
    ['a variable in its form for files', { secret: { name: 'a', variables: ['DATABASE_URL_FILE'] } }],
    ['a port beyond the last', { service: { port: 65_536 } }],
  ])('the schema refuses %s', (_, wrong) => {
    expect(isValid({ ...values, ...everything, ...wrong })).toBe(false);
  });

  it('the schema knows each key of values.yaml', () => {
    const schema = z
      .object({ properties: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(textOf(CHART, 'values.schema.json')));
    for (const key of Object.keys(values)) expect(Object.keys(schema.properties)).toContain(key);
  });

  it('the containers run without privileges on a file system that they cannot write', () => {
    const helpers = template('_helpers.tpl');
    for (const line of [
      'runAsNonRoot: true',
      'readOnlyRootFilesystem: true',
      'allowPrivilegeEscalation: false',
      'drop: [ALL]',
      'type: RuntimeDefault',
    ]) {
      expect(helpers).toContain(line);
    }
    expect(template('serviceaccount.yaml')).toContain('automountServiceAccountToken: false');
  });

  it('a pod has longer to stop than a daemon takes', () => {
    const [, seconds] = /terminationGracePeriodSeconds: (\d+)/.exec(template('_helpers.tpl')) ?? [];
    expect(Number(seconds)).toBeGreaterThan(30);
  });

  it('the probes ask for paths that the daemon answers', () => {
    const paths = [...template('deployment.yaml').matchAll(/path: (\/\w+)/g)].map(([, path]) => path);
    expect(paths).toEqual(['/healthz', '/healthz', '/readyz']);
  });

  it('the status page stays reachable while a table is not kept up to date', () => {
    expect(template('service.yaml')).toContain('publishNotReadyAddresses: true');
  });

  it('the rules of the chart are the rules beside it', () => {
    expect(textOf(CHART, 'files', 'prometheus-rules.yaml')).toBe(textOf('deploy', 'prometheus-rules.yaml'));
  });

  it('each block of a template is closed', () => {
    for (const name of templates) {
      const text = template(name).replaceAll(/\{\{-? ?\/\*.*?\*\/ ?-?\}\}/gs, '');
      const opened = [...text.matchAll(/\{\{-? (?:if|range|with|define) /g)].length;
      expect({ name, closed: [...text.matchAll(/\{\{-? end -?\}\}/g)].length }).toEqual({
        name,
        closed: opened,
      });
    }
  });
});

describe('the other deployments', () => {
  it.each([
    'docker-compose.yml',
    'deploy/azure/container-app.bicep',
    'deploy/systemd/mirrorverse.service',
    ...globSync(join(CHART, '**', '*.{yaml,tpl}'), { cwd: ROOT }),
  ])('%s names no variable that mirrorverse does not know', (file) => {
    expect(unknownVariables(textOf(file))).toEqual([]);
  });

  it('each file that compose mounts is there', () => {
    const mounted = [...textOf('docker-compose.yml').matchAll(/- (\.\/[^:]+):/g)].map(
      ([, path = '']) => path,
    );
    expect(mounted.length).toBeGreaterThan(3);
    expect(mounted.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('compose publishes ports on this machine alone', () => {
    const ports = [...textOf('docker-compose.yml').matchAll(/^ +- ([\d.:]+:\d+)$/gm)].map(([, port]) => port);
    expect(ports.length).toBeGreaterThan(3);
    expect(ports.filter((port) => port?.startsWith('127.0.0.1:') !== true)).toEqual([]);
  });

  it('Container Apps keep one replica of one revision, by an identity and a secret of the vault', () => {
    const bicep = textOf('deploy', 'azure', 'container-app.bicep');
    for (const line of [
      "activeRevisionsMode: 'Single'",
      'minReplicas: 1',
      "type: 'UserAssigned'",
      'keyVaultUrl:',
    ]) {
      expect(bicep).toContain(line);
    }
    // A parameter with the value of a secret would stand in the history of the deployments.
    expect(bicep).not.toMatch(/param \w*(?:password|secretValue|token)/i);
    expect(bicep).toContain(`/mirrorverse:${manifest.version}'`);
  });

  it('every parameter and variable of the Bicep file is used', () => {
    const bicep = textOf('deploy', 'azure', 'container-app.bicep');
    const names = [...bicep.matchAll(/^(?:param|var|resource) (\w+)/gm)].map(([, name = '']) => name);
    const unused = names.filter((name) => [...bicep.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length < 2);
    expect(unused.filter((name) => name !== 'backfill')).toEqual([]);
  });

  it('systemd does not start a daemon again that ended with 2 or 3, and gives it secrets as files', () => {
    const unit = textOf('deploy', 'systemd', 'mirrorverse.service');
    expect(unit).toContain('RestartPreventExitStatus=2 3');
    const credentials = [...unit.matchAll(/^LoadCredential=([\w-]+):/gm)].map(([, name]) => name);
    const files = [...unit.matchAll(/^Environment=\w+_FILE=%d\/([\w-]+)$/gm)].map(([, name]) => name);
    expect(files).toEqual(credentials);
  });
});
