// OpenAPI schemas read as rows for people: references resolved, types in words, an example of each. Pure functions.

/** Follows `$ref` inside the document; what stands beside the reference wins over what it points to. */
export function resolve(node, root) {
  let resolved = node ?? {};
  while (resolved.$ref) {
    const { $ref, ...beside } = resolved;
    const target = $ref.slice(2).split("/").map(unescape).reduce((at, key) => at?.[key], root);
    resolved = { ...(target ?? { title: $ref }), ...beside };
  }
  return resolved;
}

const unescape = (key) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~");

/** A schema's type in words: `string`, `array of number`, `"softmax" | "none"`, `integer or null`. */
export function typeOf(schema, root, above = []) {
  const { type, items, enum: values, const: value, anyOf, oneOf, format, contentEncoding } = resolve(schema, root);
  if (value !== undefined) return JSON.stringify(value);
  if (values) return values.map((one) => JSON.stringify(one)).join(" | ");
  const inside = above.concat(schema?.$ref ?? []);
  const named = (one) => (inside.includes(one.$ref) ? "the same again" : typeOf(one, root, inside));
  const choices = anyOf ?? oneOf;
  if (choices) return distinct(choices.map(named)).join(" or ");
  if (items) return `array of ${named(items)}`;
  const name = [type ?? "any"].flat().join(" or ");
  const detail = format ?? contentEncoding;
  return detail ? `${name} (${detail})` : name;
}

const distinct = (values) => [...new Set(values)];

const BOUNDS = {
  minimum: "≥",
  exclusiveMinimum: ">",
  maximum: "≤",
  exclusiveMaximum: "<",
  minLength: "length ≥",
  maxLength: "length ≤",
  minItems: "items ≥",
  maxItems: "items ≤",
};

/** A schema's bounds and default in words, `""` if it has none. */
export function boundsOf(schema, root) {
  const resolved = resolve(schema, root);
  const alternatives = [resolved, ...(resolved.anyOf ?? resolved.oneOf ?? []).map((one) => resolve(one, root))];
  const words = alternatives.flatMap((one) =>
    Object.entries(BOUNDS).flatMap(([key, sign]) => (one[key] === undefined ? [] : [`${sign} ${one[key]}`])),
  );
  if (resolved.default !== undefined && resolved.default !== null) {
    words.push(`default ${JSON.stringify(resolved.default)}`);
  }
  return distinct(words).join(", ");
}

/**
 * Every field of a schema, outer before inner: `{path, schema, required}`; `path` is like `models[].name`.
 * A schema that contains itself ends there; `above` are the references that led here.
 */
export function fieldsOf(schema, root, prefix = "", above = []) {
  if (above.includes(schema?.$ref)) return [];
  const { properties = {}, required = [], items, anyOf, oneOf, allOf } = resolve(schema, root);
  const inside = above.concat(schema?.$ref ?? []);
  const own = Object.entries(properties).flatMap(([name, field]) => {
    const path = prefix ? `${prefix}.${name}` : name;
    const entry = { path, schema: field, required: required.includes(name) };
    return [entry, ...fieldsOf(field, root, path, inside)];
  });
  const list = items ? fieldsOf(items, root, `${prefix}[]`, inside) : [];
  const parts = (anyOf ?? oneOf ?? allOf ?? []).flatMap((part) => fieldsOf(part, root, prefix, inside));
  const all = [...own, ...list, ...parts];
  return all.filter(({ path }, i) => all.findIndex((other) => other.path === path) === i);
}

/** The examples of a media type or parameter, by title: its own, else its schema's. */
export function examplesOf(node, root) {
  if (node.example !== undefined) return [["Example", node.example]];
  if (node.examples && !Array.isArray(node.examples)) {
    return Object.entries(node.examples).map(([name, one]) => {
      const { summary, value } = resolve(one, root);
      return [summary ?? name, value];
    });
  }
  const { example, examples = [] } = resolve(node.schema, root);
  return (example === undefined ? examples : [example]).map((one) => ["Example", one]);
}
