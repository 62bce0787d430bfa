import { readFileSync, writeFileSync } from 'node:fs';
import { betweenMarkers } from './between-markers.ts';
import { chart } from './chart.ts';
import type { Section } from './section.ts';
import { markdownTable } from './table.ts';

const DOCUMENT = new URL('../../docs/performance.md', import.meta.url);
const PLOT = new URL('../../docs/performance.svg', import.meta.url);

const HOW = `Source, PostgreSQL and mirrorverse share the machine. The mirror is the built command in its own process. Its time is the time of the table's run from the log, and includes reading metadata and making the table. The column “whole command” is the time of the whole process, with its start and its end. Rounds of the mirror and of the floor alternate, and the median counts.`;

export function sectionText({ title, about, headings, rows }: Section): string {
  return `### ${title}\n\n${about}\n\n${markdownTable(headings, rows)}`;
}

/** All that stands between the document's markers. */
export function figures(sections: readonly Section[], machine: string): string {
  return [
    `Measured by \`npm run bench\` on ${machine}\n\n${HOW}`,
    '![Every ratio beside what is allowed](performance.svg)',
    ...sections.map(sectionText),
  ].join('\n\n');
}

/** Writes plot and figures into the documents. */
export function writeDocument(sections: readonly Section[], machine: string): void {
  const text = betweenMarkers(readFileSync(DOCUMENT, 'utf8'), figures(sections, machine));
  writeFileSync(PLOT, chart(sections.flatMap(({ ratios }) => ratios)));
  writeFileSync(DOCUMENT, text);
}
