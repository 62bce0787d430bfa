import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/database-server.ts';
import { METRIC_NAMES } from '../support/metric-names.ts';
import { PROMTOOL, promtool } from '../support/prometheus.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const RULES = join(ROOT, 'deploy', 'prometheus-rules.yaml');

interface Panel {
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(readFileSync(join(ROOT, 'deploy', 'grafana.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
};

const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

/** Metrics of mirrorverse that a text names and that there are none of. */
function unknownMetrics(text: string): string[] {
  const known = new Set(METRIC_NAMES);
  const named = [...text.matchAll(/\bmirrorverse_[a-z0-9_]+/g)].map(([name]) => name);
  return named.filter((name) => !known.has(name) && !known.has(name.replace(/_(?:bucket|sum|count)$/, '')));
}

describe('what is in deploy/', () => {
  it('alerts, dashboard and docs/operations.md name only metrics that there are', () => {
    expect(unknownMetrics(readFileSync(RULES, 'utf8'))).toEqual([]);
    expect(unknownMetrics(expressions.join('\n'))).toEqual([]);
    const [, section = ''] = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8').split(
      '\n### Metrics\n',
    );
    const [table = ''] = section.split('\n### ');
    const documented = [...table.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(\w+)/g)].map(([, name]) => `mirrorverse_${name}`),
    );
    expect(documented.toSorted()).toEqual(METRIC_NAMES.toSorted());
  });

  it('each panel of the dashboard takes the data source from the variable', () => {
    expect(dashboard.panels.length).toBeGreaterThanOrEqual(12);
    expect(new Set(dashboard.panels.map(({ datasource }) => datasource.uid))).toEqual(
      new Set(['${datasource}']),
    );
  });

  it.skipIf(PROMTOOL === undefined)('promtool reads every expression of the dashboard', async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, 'rules.yaml');
    // Grafana replaces its variables before Prometheus sees them.
    const rules = expressions.map((expr, at) => ({
      record: `panel:${at}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(?:job|table)/g, '.*'),
    }));
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    try {
      expect(await promtool(['check', 'rules', file])).toMatchObject({ status: 0 });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it.skipIf(PROMTOOL === undefined)(
    'promtool finds no fault in the alerts, and each alert comes and stays away as its test says',
    async () => {
      expect(await promtool(['check', 'rules', '--lint=all', '--lint-fatal', RULES])).toMatchObject({
        status: 0,
      });
      const tests = RULES.replace('.yaml', '.test.yaml');
      const alerts = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
      const tested = [...readFileSync(tests, 'utf8').matchAll(/alertname: (\w+)/g)].map(([, name]) => name);
      expect(new Set(tested)).toEqual(new Set(alerts));
      expect(await promtool(['test', 'rules', tests])).toMatchObject({ status: 0 });
    },
  );
});
