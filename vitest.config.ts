import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/database-server.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: a third worker only makes every test slower.
    maxWorkers: 2,
    // `npm run test:least-privilege`; a variable in the script's own line would not do on Windows.
    env: mode === 'least-privilege' ? { TEST_DATABASE_ROLE: 'least' } : {},
  },
}));
