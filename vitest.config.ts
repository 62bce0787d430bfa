import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/database-server.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: a third worker only makes every test slower.
    maxWorkers: 2,
  },
});
