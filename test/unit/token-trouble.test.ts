import { expect, it } from 'vitest';
import { tokenTrouble } from '../../src/dataverse/sign-in/token-trouble.ts';

const ORIGIN = 'https://contoso.crm.dynamics.com';
const NOW = Date.parse('2026-01-02T00:00:00Z');

function told(claims: object | string): string {
  const body = typeof claims === 'string' ? claims : JSON.stringify(claims);
  const token = `canary.${Buffer.from(body).toString('base64url')}.canary`;
  const { message, remedy } = tokenTrouble(token, 'DATAVERSE_ACCESS_TOKEN', ORIGIN, NOW);
  expect(`${message} ${remedy}`).not.toContain('canary');
  expect(remedy).toMatch(/DATAVERSE_ACCESS_TOKEN|DATAVERSE_URL/);
  return message;
}

it('a refused token that has ended says when', () => {
  expect(told({ exp: NOW / 1_000 - 1, aud: 'https://elsewhere.example' })).toBe(
    'The access token of DATAVERSE_ACCESS_TOKEN ended at 2026-01-01T23:59:59Z.',
  );
});

it('a refused token for another environment names both', () => {
  expect(told({ exp: NOW / 1_000 + 60, aud: 'https://other.crm4.dynamics.com/' })).toBe(
    `The access token of DATAVERSE_ACCESS_TOKEN is for https://other.crm4.dynamics.com, not for ${ORIGIN}.`,
  );
});

it.each([
  [{ aud: `${ORIGIN}/` }],
  [{ aud: '00000007-0000-0000-c000-000000000000' }],
  [{ aud: ['https://canary.example'], exp: 'canary' }],
  [{ aud: 'https://' }],
  ['canary'],
  ['[1]'],
  [''],
])('a refused token with the claims %j is called refused, and nothing of it is shown', (claims) => {
  expect(told(claims)).toContain('does not accept the access token of DATAVERSE_ACCESS_TOKEN');
});

it('the remedy for a refused token at a loopback address names the token of the emulator', () => {
  const { remedy } = tokenTrouble('stale', 'DATAVERSE_ACCESS_TOKEN', 'http://127.0.0.1:8420', NOW);
  expect(remedy).toContain('mirrorverse emulator');
  expect(remedy).toContain('DATAVERSE_ACCESS_TOKEN');
});
