import type { Command } from './command.ts';
export const demo: Command = {
  name: 'demo',
  usage: 'demo',
  summary: 'tbd',
  needs: {},
  options: {},
  takesWords: false,
  run: async () => 0,
};
