import type { Config, ConfigProblem } from './config.ts';
import type { Settings } from './settings.ts';

/** The schemas of views, each different from the others and from those of the tables. */
export function viewsFrom(
  settings: Settings,
  taken: readonly string[],
  problems: ConfigProblem[],
): Pick<Config, 'labels' | 'compatibility'> {
  const { labels } = settings;
  const views = labels === false ? false : (labels?.schema ?? 'dataverse_labeled');
  const compatibility = {
    synapseLink: settings.compatibility?.synapseLink,
    fivetran: settings.compatibility?.fivetran,
  };
  const used = new Set(taken);
  for (const [key, schema] of [
    ['labels.schema', views === false ? undefined : views],
    ['compatibility.synapseLink', compatibility.synapseLink],
    ['compatibility.fivetran', compatibility.fivetran],
  ] as const) {
    if (schema === undefined) continue;
    if (used.has(schema)) problems.push({ key, message: `must differ from the other schemas (${schema})` });
    used.add(schema);
    if (labels === false && key !== 'labels.schema') {
      problems.push({ key, message: 'needs the labels; take out `labels: false`' });
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
