import { expect, test } from 'vitest';
import { configChanges } from '../../src/config/reload/config-changes.ts';
import { keysOf, load, problemsOf, type Variables } from './config-directory.ts';

const URL = { DATAVERSE_URL: 'https://crm.contoso.com/sales' };
const APP = { AZURE_CLIENT_ID: 'app', AZURE_CLIENT_SECRET: 'secret' };
const NEEDS = { dataverse: true };

const signIn = (variables: Variables, yaml = ''): unknown =>
  load(yaml, { ...URL, ...APP, ...variables }, NEEDS).dataverse?.signIn;

test('an address may end with the name of an organization, but not in the cloud, and with nothing else', () => {
  expect(load('', { DATAVERSE_URL: 'https://crm.contoso.com/sales/' }).dataverse?.url).toBe(
    'https://crm.contoso.com/sales/',
  );
  for (const url of [
    'https://contoso.crm.dynamics.com/sales',
    'https://contoso.crm.microsoftdynamics.us/sales',
    'https://crm.contoso.com/sales/main.aspx',
    'https://crm.contoso.com/main.aspx',
    'https://crm.contoso.com/api',
    'https://crm.contoso.com/sales?x=1',
  ]) {
    expect(problemsOf(`dataverse: { url: '${url}' }`)).toMatchObject([{ key: 'dataverse.url' }]);
  }
});

test.each(['v9.1', '"9.1"'])('the version of the Web API may be written as %s', (version) => {
  expect(load(`dataverse: { apiVersion: ${version} }`, URL).dataverse?.apiVersion).toBe('v9.1');
});

test('a version of the Web API that is a number or a path is refused, and another version needs a restart', () => {
  for (const version of ['9.1', 'v9', '"v9.1/../x"']) {
    expect(keysOf(problemsOf(`dataverse: { apiVersion: ${version} }`, URL))).toEqual([
      'dataverse.apiVersion',
    ]);
  }
  const [before, after] = [load('', URL), load('dataverse: { apiVersion: v9.1 }', URL)];
  expect(configChanges(before, after)).toEqual({ changed: [], refused: ['dataverse.apiVersion'] });
});

test.each([
  ['https://sts.contoso.com/adfs', undefined],
  ['sts.contoso.com/adfs/', undefined],
  ['https://sts.contoso.com/adfs/oauth2/token', undefined],
  ['https://sts.contoso.com', 'adfs'],
])('the authority %s with the tenant %s is AD FS, which needs no other tenant', (host, tenant) => {
  expect(signIn({ AZURE_AUTHORITY_HOST: host, AZURE_TENANT_ID: tenant })).toMatchObject({
    method: 'client-secret',
    adfs: { tokenUrl: 'https://sts.contoso.com/adfs/oauth2/token' },
  });
});

test('the name of the environment at AD FS comes from dataverse.resource, and a secret goes by http: to this machine alone', () => {
  const yaml = 'dataverse: { resource: "https://auth.contoso.com/" }';
  expect(signIn({ AZURE_AUTHORITY_HOST: 'http://127.0.0.1:8420/adfs' }, yaml)).toMatchObject({
    adfs: { tokenUrl: 'http://127.0.0.1:8420/adfs/oauth2/token', resource: 'https://auth.contoso.com/' },
  });
  const remote = {
    ...URL,
    ...APP,
    AZURE_TENANT_ID: 'adfs',
    AZURE_AUTHORITY_HOST: 'http://sts.contoso.com/adfs',
  };
  expect(keysOf(problemsOf('', remote, NEEDS))).toEqual(['AZURE_AUTHORITY_HOST']);
});

test('another authority is asked by its tenant, as before', () => {
  const own = { AZURE_TENANT_ID: 'tenant', AZURE_AUTHORITY_HOST: 'https://login.contoso.com' };
  expect(signIn(own)).toEqual({
    method: 'client-secret',
    tenantId: 'tenant',
    clientId: 'app',
    clientSecret: 'secret',
    authorityHost: 'https://login.contoso.com',
  });
});
