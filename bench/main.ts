/**
 * npm run bench [-- --only NAME,NAME] [--rows N] [--columns N,N] [--rounds N] [--quick]
 *
 * Every figure of docs/performance.md, each against a floor measured in the same run. A run of all of it
 * in full writes the document; any other prints only.
 */
import { measureBaseline } from './measure/baseline.ts';
import { measureDelta } from './measure/delta.ts';
import { measureIdle } from './measure/idle.ts';
import { measureRebaseline } from './measure/rebaseline.ts';
import { readOptions, type Options } from './options.ts';
import type { Section } from './report/section.ts';
import { printSection } from './report/print.ts';
import { openWorkbench, type Workbench } from './support/workbench.ts';

type Measure = (workbench: Workbench, options: Options) => Promise<Section>;

const MEASUREMENTS: Readonly<Record<string, Measure>> = {
  baseline: measureBaseline,
  rebaseline: measureRebaseline,
  delta: measureDelta,
  idle: measureIdle,
};

const names = Object.keys(MEASUREMENTS);
const options = readOptions(process.argv.slice(2), names);
const workbench = await openWorkbench();
const sections: Section[] = [];
try {
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (options.only.length > 0 && !options.only.includes(name)) continue;
    const section = await measure(workbench, options);
    printSection(section);
    sections.push(section);
  }
} finally {
  await workbench.close();
}
