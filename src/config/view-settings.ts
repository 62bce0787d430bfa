import type { Config, ConfigProblem } from './config.ts';
import type { Settings } from './settings.ts';

/**
 * The schemas of views. Each differs from the others and from the schemas of the tables. Only the views of
 * Fivetran may be in the schema of the mirror tables: the dbt package then finds the mirror tables themselves beside
 * `stringmap`, which is the only view there, because the tables have the names of the others.
 */
export function viewsFrom(
  settings: Settings,
  schemas: { readonly mirror: string; readonly state: string },
  problems: ConfigProblem[],
): Pick<Config, 'labels' | 'compatibility'> {
  const { labels } = settings;
  const views = labels === false ? false : (labels?.schema ?? 'dataverse_labeled');
  const compatibility = {
    synapseLink: settings.compatibility?.synapseLink,
    fivetran: settings.compatibility?.fivetran,
  };
  const used = new Set([schemas.mirror, schemas.state]);
  for (const [key, schema] of [
    ['labels.schema', views === false ? undefined : views],
    ['compatibility.synapseLink', compatibility.synapseLink],
    ['compatibility.fivetran', compatibility.fivetran],
  ] as const) {
    if (schema === undefined) continue;
    const isShared = key === 'compatibility.fivetran' && schema === schemas.mirror;
    if (used.has(schema) && !isShared)
      problems.push({ key, message: `must differ from the other schemas (${schema})` });
    used.add(schema);
    if (labels === false && key !== 'labels.schema') {
      problems.push({ key, message: 'needs the labels; remove `labels: false`' });
    }
  }
  return {
    labels:
      labels === false
        ? undefined
        : { language: labels?.language, schema: views === false ? undefined : views },
    compatibility,
  };
}
