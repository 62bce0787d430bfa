/**
 * npm run bench [-- --only NAME,NAME] [--rows N] [--columns N,N] [--rounds N] [--quick]
 *
 * Every figure of docs/performance.md, each against a floor measured in the same run. A run of all of it
 * in full writes the document; any other prints only.
 */
import { measureBaseline } from './measure/baseline.ts';
import { measureDelta } from './measure/delta.ts';
import { measureGrowth } from './measure/growth.ts';
import { measureIdle } from './measure/idle.ts';
import { measureLabeledViews } from './measure/labeled-views.ts';
import { measureMemory } from './measure/memory.ts';
import { measureNudges } from './measure/nudges.ts';
import { measureParse } from './measure/parse.ts';
import { measureRebaseline } from './measure/rebaseline.ts';
import { measureReplicas } from './measure/replicas.ts';
import { measureStart } from './measure/start.ts';
import { measureTenTables } from './measure/ten-tables.ts';
import { measureUnchangedTables } from './measure/unchanged-tables.ts';
import { measureVerify } from './measure/verify.ts';
import { readOptions, type Options } from './options.ts';
import { sectionText, writeDocument } from './report/document.ts';
import { machine } from './report/machine.ts';
import type { Section } from './report/section.ts';
import { seconds } from './report/units.ts';
import { openWorkbench, type Workbench } from './support/workbench.ts';

const MEASUREMENTS: Readonly<Record<string, (workbench: Workbench, options: Options) => Promise<Section>>> = {
  baseline: measureBaseline,
  rebaseline: measureRebaseline,
  delta: measureDelta,
  idle: measureIdle,
  memory: measureMemory,
  verify: measureVerify,
  tables: measureTenTables,
  growth: measureGrowth,
  views: measureLabeledViews,
  parse: measureParse,
  start: measureStart,
  unchanged: measureUnchangedTables,
  replicas: measureReplicas,
  nudges: measureNudges,
};

const options = readOptions(process.argv.slice(2), Object.keys(MEASUREMENTS));
const workbench = await openWorkbench();
const stop = (): void => void workbench.close().finally(() => process.exit(1));
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
const started = performance.now();
try {
  const surroundings = await machine(workbench);
  console.log(`${surroundings}\n`);
  const sections: Section[] = [];
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (options.only.length > 0 && !options.only.includes(name)) continue;
    const begun = performance.now();
    const section = await measure(workbench, options);
    console.log(`${sectionText(section)}\n\n${name} took ${seconds(performance.now() - begun)}\n`);
    sections.push(section);
  }
  console.log(`All of it took ${seconds(performance.now() - started)}`);
  if (options.whole) writeDocument(sections, surroundings);
} finally {
  await workbench.close();
}
