import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/mirror/state/schema.ts',
  out: './migrations',
});
