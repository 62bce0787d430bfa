import type { CommandGroup } from '../../command.ts';

export const DEMO: CommandGroup = {
  title: 'Try',
  commands: [
    {
      name: 'demo',
      words: [],
      summary: 'emulator, bundled PostgreSQL and daemon, with changing data',
      ends: '0 after Ctrl-C',
      options: {
        hostile: { summary: 'values that are hard to carry, as tests need them, instead of plausible ones' },
      },
      json: false,
      examples: ['demo'],
      needs: {},
      load: async () => (await import('./demo.ts')).demo,
    },
    {
      name: 'emulator',
      words: [],
      summary: 'the Dataverse emulator alone',
      ends: '0 after Ctrl-C',
      options: {
        port: { value: 'N', summary: 'port (8420; 0: any free port)' },
        host: { value: 'HOST', summary: 'address to listen on (127.0.0.1)' },
        rows: { value: 'N', summary: 'rows at the start (20000)' },
        changes: { value: 'N', summary: 'changes a second (2)' },
        hostile: { summary: 'values that are hard to carry instead of plausible ones' },
        definitions: { value: 'DIR', summary: 'folder of recorded table definitions (JSON)' },
      },
      json: true,
      examples: ['emulator --port 8420 --rows 1000'],
      needs: {},
      load: async () => (await import('./emulator.ts')).emulator,
    },
  ],
};
