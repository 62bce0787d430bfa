import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlTable } from '../../src/operations/control/control-table.ts';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { violations } from '../support/accessibility.ts';
import { CHROMIUM, openBrowser } from '../support/browser.ts';
import { mirrorOptions, silent } from '../support/mirror.ts';
import { openShownPage, type ShownPage } from '../support/shown-page.ts';
import { SHOWN_TABLES, writeShownState } from '../support/shown-state.ts';

const TOKEN = 'a-token-of-some-length';
const HOSTILE = '<img src=x onerror="document.title=1">\u202e\u{1f600}"\'&amp;</th>';

const FULL = { width: 1280, height: 860 };
const PHONE = { width: 360, height: 780 };
const LIGHT: BrowserContextOptions = { viewport: FULL, colorScheme: 'light' };
const DARK: BrowserContextOptions = { ...LIGHT, colorScheme: 'dark' };

const live = async (page: Page): Promise<void> => page.locator('#live', { hasText: 'live' }).waitFor();
const phaseOf = (page: Page, table: string): ReturnType<Page['locator']> =>
  page
    .locator('tbody[data-p]', { has: page.getByRole('rowheader', { name: table, exact: true }) })
    .locator('b');

describe.skipIf(CHROMIUM === undefined)('the status page in Chromium', () => {
  let shown: ShownPage;
  let browser: Browser;
  /** What the browser complained about: errors of the script, and violations of the content security policy. */
  const complaints: string[] = [];

  beforeAll(async () => {
    [browser, shown] = await Promise.all([
      openBrowser(),
      openShownPage([...SHOWN_TABLES, HOSTILE], {
        token: TOKEN,
        async act(asked) {
          const database = openMirrorDatabase(mirrorOptions(shown.database.url), silent);
          try {
            return await controlTable(database, { ...asked, via: 'http' });
          } finally {
            await database.close();
          }
        },
      }),
    ]);
    await writeShownState(shown.database);
  });
  afterAll(async () => {
    await browser.close();
    await shown[Symbol.asyncDispose]();
  });

  async function open(options: BrowserContextOptions): Promise<Page> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(shown.http.url);
    return page;
  }

  it('the status page is whole without a script, and hides what needs one', async () => {
    const page = await open({ ...LIGHT, javaScriptEnabled: false });
    await expect(page.locator('h1').textContent()).resolves.toContain('13 tables: 7 up to date, 1 failed');
    await expect(phaseOf(page, 'lead').textContent()).resolves.toBe('paused');
    await expect(page.locator('#unlock').isVisible()).resolves.toBe(false);
    await page.context().close();
  });

  it.each([
    ['light', LIGHT],
    ['dark', DARK],
  ])('the status page is accessible when it is %s, at full width and 360 pixels wide', async (_, options) => {
    const page = await open(options);
    await live(page);
    for (const viewport of [FULL, PHONE]) {
      await page.setViewportSize(viewport);
      expect(await violations(page)).toEqual([]);
      const [inner, outer] = await page.evaluate<[number, number]>(
        'Promise.resolve([document.documentElement.scrollWidth, innerWidth])',
      );
      expect(inner).toBeLessThanOrEqual(outer);
    }
    await page.context().close();
  });

  it('the status page shows a change at once, keeps the focus, tells the phase to screen readers, and reads hostile names as text', async () => {
    const page = await open(LIGHT);
    await live(page);
    expect(await page.getByRole('rowheader').allTextContents()).toContain(HOSTILE);
    expect(await page.locator('img').count()).toBe(0);
    await page.getByLabel('API token').fill('begun');
    await shown.database.query(
      `UPDATE mirrorverse.tables SET phase = 'rebaseline', rows_loaded = 48, rows_expected = 96 WHERE "table" = 'team'`,
    );
    await phaseOf(page, 'team').filter({ hasText: 'rebaseline' }).waitFor();
    await expect(page.getByRole('status').textContent()).resolves.toBe('team: rebaseline');
    await expect(page.getByRole('progressbar', { name: 'team' }).getAttribute('value')).resolves.toBe('50');
    await expect(page.getByLabel('API token').inputValue()).resolves.toBe('begun');
    await expect(page.evaluate('document.activeElement.id')).resolves.toBe('token');
    await page.context().close();
  });

  it('a person with the token pauses, resumes and verifies a table from the page, with the keyboard alone', async () => {
    const page = await open(LIGHT);
    await live(page);
    await page.getByLabel('API token').fill('wrong');
    await page.keyboard.press('Enter');
    const name = page.getByRole('button', { name: 'account', exact: true });
    await name.focus();
    await page.keyboard.press('Enter');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Pause' }).press('Enter');
    await page.getByRole('alert').filter({ hasText: 'The token is missing or wrong.' }).waitFor();
    await page.keyboard.press('Escape');
    await expect(page.evaluate('document.activeElement.textContent')).resolves.toBe('account');

    await page.getByLabel('API token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await name.press('Enter');
    await page.getByLabel('Pause for').selectOption('4 hours');
    await page.getByLabel('Reason').fill('a <b>move</b>');
    await page.getByRole('button', { name: 'Pause' }).press('Enter');
    await phaseOf(page, 'account').filter({ hasText: 'paused' }).waitFor();
    await page.getByText('a <b>move</b>').waitFor();
    // The row has moved to the top, and the focus is still on it.
    await expect(page.evaluate('document.activeElement.textContent')).resolves.toBe('account');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Resume' }).press('Enter');
    await phaseOf(page, 'account').filter({ hasText: 'delta' }).waitFor();
    await name.press('Enter');
    await page.getByRole('button', { name: 'Verify' }).press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(shown.acts.map(({ command, table }) => `${command} ${table}`)).toEqual([
      'pause account',
      'resume account',
      'verify account',
    ]);
    await page.context().close();
  });

  it('the browser has found no error of the script and no violation of the content security policy', () => {
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
  });

  // SCREENSHOTS=1 npx vitest run test/postgres/status-page-browser.test.ts
  it.runIf(process.env['SCREENSHOTS'] === '1')(
    'the pictures of the documents show the page as it is',
    async () => {
      await using pictured = await openShownPage(SHOWN_TABLES);
      await writeShownState(pictured.database);
      for (const [scheme, options] of [
        ['light', LIGHT],
        ['dark', DARK],
      ] as const) {
        const page = await browser.newPage(options);
        await page.goto(pictured.http.url);
        await live(page);
        const path = fileURLToPath(new URL(`../../docs/status-page-${scheme}.png`, import.meta.url));
        expect((await page.screenshot({ path, fullPage: true })).length).toBeGreaterThan(0);
      }
    },
  );
});
