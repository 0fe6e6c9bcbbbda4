/** Whether JSON fits a schema of the API's document: what is wrong, by place. Unlike in JSON Schema, a property that is not listed is wrong. */

export interface Schema {
  $ref?: string;
  allOf?: Schema[];
  type?: string;
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
}

export function faults(value: unknown, given: Schema, schemas: Record<string, Schema>, place = "it"): string[] {
  const schema = merged(given, schemas);
  const { type, required = [], properties = {}, additionalProperties, items } = schema;
  if (schema.enum && !schema.enum.includes(value)) return [`${place} is ${JSON.stringify(value)}`];
  if (type !== undefined && !isOf(type, value)) return [`${place} is no ${type}`];
  if (type === "array")
    return (value as unknown[]).flatMap((each, i) => faults(each, items ?? {}, schemas, `${place}[${i}]`));
  if (type !== "object") return [];
  const missing = required.filter((key) => !(key in (value as object))).map((key) => `${place} lacks ${key}`);
  const wrong = Object.entries(value as object).flatMap(([key, each]) => {
    const own = properties[key] ?? additionalProperties;
    if (own === true) return [];
    return own ? faults(each, own, schemas, `${place}.${key}`) : [`${place}.${key} is not listed`];
  });
  return [...missing, ...wrong];
}

/** The schema without references and allOf. */
function merged(schema: Schema, schemas: Record<string, Schema>): Schema {
  if (schema.$ref) return merged(schemas[schema.$ref.split("/").at(-1)!]!, schemas);
  const parts = [schema, ...(schema.allOf ?? []).map((part) => merged(part, schemas))];
  return {
    ...Object.assign({}, ...parts),
    required: parts.flatMap(({ required = [] }) => required),
    properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
  };
}

function isOf(type: string, value: unknown): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}
