import type { TestDatabase } from './database.ts';

/** The models of Fivetran's dbt package for Dynamics 365: a table and the key that the package joins it by. */
export const FIVETRAN_MODELS: readonly (readonly [table: string, key: string])[] = [
  ['account', 'accountid'],
  ['appointment', 'activityid'],
  ['contact', 'contactid'],
  ['email', 'activityid'],
  ['incident', 'incidentid'],
  ['msdyn_customerasset', 'msdyn_customerassetid'],
  ['msdyn_workorder', 'msdyn_workorderid'],
  ['msdyn_workorderproduct', 'msdyn_workorderproductid'],
  ['opportunity', 'opportunityid'],
  ['phonecall', 'activityid'],
  ['systemuser', 'ownerid'],
  ['task', 'activityid'],
];

/** The types that dbt takes for numbers in PostgreSQL. */
const NUMBERS = ['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'];

export interface FivetranModel {
  /** The columns that have a label, by `stringmap`. */
  readonly fields: readonly string[];
  readonly sql: string;
}

/**
 * SQL that does what a model of the package does, written anew: it reads all columns of the source, looks up the
 * label of each number that `stringmap` knows, and groups by all other columns. Like the package it quotes no name.
 *
 * @param schema where `stringmap` and the sources are.
 */
export async function fivetranModel(
  database: TestDatabase,
  schema: string,
  table: string,
  key: string,
): Promise<FivetranModel> {
  const attributes = await database.query<{ name: string }>(
    `SELECT DISTINCT lower(renamed_attributename) AS name FROM ${schema}.stringmap WHERE lower(objecttypecode) = '${table}'`,
  );
  const mapped = new Set(attributes.map(({ name }) => name));
  const columns = await database.query<{ name: string; type: string }>(
    `SELECT column_name AS name, data_type AS type FROM information_schema.columns
      WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position`,
    [schema, table],
  );
  const isField = ({ name, type }: { name: string; type: string }): boolean =>
    mapped.has(name.toLowerCase()) && NUMBERS.includes(type);
  const fields = columns.filter(isField).map(({ name }) => name);
  const others = columns.filter((column) => !isField(column)).map(({ name }) => `r.${name}`);
  const codes = fields.map((field) => `('${field}', CAST(r.${field} AS integer))`);
  const wide = fields.flatMap((field) => [
    `max(c.code) FILTER (WHERE c.attribute = '${field}') AS ${field}`,
    `max(l.label) FILTER (WHERE c.attribute = '${field}') AS ${field}_label`,
  ]);
  const sql = `
    WITH source_rows AS (SELECT * FROM ${schema}.${table}),
    codes AS (
      SELECT r.${key} AS id, v.attribute, v.code
        FROM source_rows r CROSS JOIN LATERAL (VALUES ${codes.join(', ')}) AS v (attribute, code)),
    labels AS (
      SELECT lower(CAST(renamed_attributename AS text)) AS attribute, CAST(attributevalue AS integer) AS code,
             CAST(value AS text) AS label, stringmapid
        FROM ${schema}.stringmap
       WHERE lower(objecttypecode) = '${table}' AND NOT coalesce(_fivetran_deleted, false))
    SELECT ${[...others, ...wide].join(', ')}
      FROM codes c
      LEFT JOIN labels l ON l.attribute = c.attribute AND l.code = c.code
      LEFT JOIN source_rows r ON r.${key} = c.id
     GROUP BY ${others.join(', ')}`;
  return { fields, sql };
}
