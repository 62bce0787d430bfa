import type { Command } from './command.ts';
export const emulator: Command = {
  name: 'emulator',
  usage: 'emulator',
  summary: 'tbd',
  needs: {},
  options: {},
  takesWords: false,
  run: async () => 0,
};
