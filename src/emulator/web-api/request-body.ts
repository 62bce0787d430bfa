import { badRequest } from './dataverse-error.ts';

/** The JSON object a request carries. Throws 400 for anything else. */
export function jsonObject(body: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('An error occurred while validating input parameters: the body is no JSON object.');
  }
  return value as Record<string, unknown>;
}
