import { chromium, type Browser } from 'playwright-core';
import { neededProgram } from './needed-program.ts';

/** Undefined where the machine has none. */
export const CHROMIUM = neededProgram('chromium');

export async function openBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('There is no Chromium.');
  // Chromium's sandbox refuses to run as root, as CI does.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: CHROMIUM, args });
}
