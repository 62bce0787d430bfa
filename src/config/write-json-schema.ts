import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { settingsSchema } from './settings.ts';

// Run by the build: node write-json-schema.js FILE
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Name the file to write.');
const schema = { title: 'mirrorverse configuration', ...z.toJSONSchema(settingsSchema) };
writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
