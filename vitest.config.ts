import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

export default defineConfig(({ mode }) => ({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/database-server.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // For two cores: a test file waits for half of its time, so that three share them well.
    maxWorkers: 3,
    // Servers and processes of three files share those cores, so a test of times may fail by bad luck. The report names
    // each test that ran twice. What is random runs once, because a second run would hide what chance has found: the tests
    // of random events say so themselves, and fast-check's error begins so.
    retry: { count: 1, condition: /^(?!Property failed)/ },
    sequence: { sequencer: LongestFirst },
    // `npm run test:least-privilege`; a variable in the script's own line would not do on Windows.
    env: mode === 'least-privilege' ? { TEST_DATABASE_ROLE: 'least' } : {},
  },
}));
