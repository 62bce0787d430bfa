import type { Section } from './section.ts';
import { markdownTable } from './table.ts';

export function sectionText({ title, about, headings, rows }: Section): string {
  return `### ${title}\n\n${about}\n\n${markdownTable(headings, rows)}\n`;
}

/** Shows a measurement at once: those that follow take their time. */
export function printSection(section: Section): void {
  console.log(sectionText(section));
}
