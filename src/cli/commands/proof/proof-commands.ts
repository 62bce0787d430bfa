import type { CommandGroup } from '../../command.ts';

export const PROOF: CommandGroup = {
  title: 'Prove',
  commands: [
    {
      name: 'verify',
      words: ['[table...]'],
      summary: 'compares the mirror with the source, confirms, repairs',
      details:
        'It compares key and version of every row, which finds each missing, extra and stale row. With --values it compares every value too.',
      ends: '0 if no difference is left, else 1',
      options: {
        values: { summary: 'compares every value, not only keys and versions' },
        repair: { summary: 'makes the rows equal that differ' },
        yes: { summary: 'lets --repair delete more extra rows than a sweep may delete unasked' },
        report: { value: 'FILE', summary: 'writes an HTML page with all that was compared and found' },
      },
      json: true,
      examples: [
        'verify',
        'verify account --values',
        'verify account --values --repair',
        'verify --report proof.html',
      ],
      needs: { dataverse: true, postgres: true, tables: true },
      load: async () => (await import('./verify.ts')).verify,
    },
  ],
};
