// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: litemaas.virtual_keys contributors
//
// prisma-client-py speaks Prisma's old GraphQL protocol, the WebAssembly engine speaks the newer JSON protocol only.
// This file turns a query of the one into a query of the other, and an answer back.

const ROOT_NAME = new RegExp(
  "^(queryRaw|executeRaw|createOne|createManyAndReturn|createMany|updateOne|updateMany|upsertOne|deleteOne" +
    "|deleteMany|findMany|findFirst|findUnique|aggregate|groupBy)(.*?)(OrThrow)?$",
);
// Arguments of a query (or of a nested write) that hold fields of the model; the others (take, orderBy, ...) do not.
const HOLDS_FIELDS = new Set(["data", "where", "create", "update", "cursor"]);
const LOGICAL = new Set(["AND", "OR", "NOT"]);
// What may stand between a relation and the fields of the related model.
const RELATION_OPERATORS = new Set([
  "create", "createMany", "connect", "connectOrCreate", "disconnect", "set", "update", "updateMany", "upsert",
  "delete", "deleteMany", "is", "isNot", "some", "every", "none",
]);
// Parts of a filter on a Json field that are ordinary strings, not JSON texts.
const JSON_FILTER_TEXT = new Set(["path", "mode", "string_contains", "string_starts_with", "string_ends_with"]);

/** Make a literal that JSON.stringify writes as it was, so that large integers and exact decimals survive. */
const number = (text) => JSON.rawJSON(text);

/** An argument whose type does not matter: every GraphQL literal has its JSON counterpart. */
function plain(node) {
  switch (node.kind) {
    case "NullValue":
      return null;
    case "IntValue":
    case "FloatValue":
      return number(node.value);
    case "ListValue":
      return node.values.map(plain);
    case "ObjectValue":
      return Object.fromEntries(node.fields.map((field) => [field.name.value, plain(field.value)]));
    default: // StringValue, BooleanValue, EnumValue
      return node.value;
  }
}

/** An argument for a Json field: its strings are JSON texts and must be marked, or they would be encoded twice. */
function json(node) {
  switch (node.kind) {
    case "StringValue":
      return { $type: "Json", value: node.value };
    case "ListValue":
      return node.values.map(json);
    case "ObjectValue":
      return Object.fromEntries(
        node.fields.map((field) => {
          const convert = JSON_FILTER_TEXT.has(field.name.value) ? plain : json;
          return [field.name.value, convert(field.value)];
        }),
      );
    default:
      return plain(node);
  }
}

/** Apply `convert(name, value)` to the members of an object, or of each object in a list. */
function eachMember(node, convert) {
  if (node.kind === "ListValue") {
    return node.values.map((item) => eachMember(item, convert));
  }
  if (node.kind !== "ObjectValue") {
    return plain(node);
  }
  return Object.fromEntries(node.fields.map((field) => [field.name.value, convert(field.name.value, field.value)]));
}

/** An object of fields of a model: the value of `data`, `where`, `create`, ... */
function modelFields(node, model, models) {
  return eachMember(node, (name, value) => {
    const type = model?.get(name);
    if (type === "Json") {
      return json(value);
    }
    if (models.has(type)) {
      return relation(value, models.get(type), models);
    }
    // AND, OR, NOT, and the objects of compound keys (userId_teamId: {...}), hold fields of the same model.
    return type === undefined ? modelFields(value, model, models) : plain(value);
  });
}

/** The value of a relation field: operators around the related model's fields, or these fields themselves. */
function relation(node, model, models) {
  return eachMember(node, (name, value) => {
    if (LOGICAL.has(name) || !RELATION_OPERATORS.has(name)) {
      return modelFields({ kind: "ObjectValue", fields: [{ name: { value: name }, value }] }, model, models)[name];
    }
    return nested(value, model, models);
  });
}

/** What follows a relation's operator: `{where, data}`, `{where, create, update}`, or fields of the model. */
function nested(node, model, models) {
  if (node.kind === "ListValue") {
    return node.values.map((item) => nested(item, model, models));
  }
  const wrapped =
    node.kind === "ObjectValue" &&
    node.fields.some((field) => HOLDS_FIELDS.has(field.name.value) && !model.has(field.name.value));
  return wrapped ? queryArguments(node.fields, model, models) : modelFields(node, model, models);
}

function queryArguments(nodes, model, models) {
  return Object.fromEntries(
    nodes.map(({ name, value }) => [
      name.value,
      HOLDS_FIELDS.has(name.value) ? modelFields(value, model, models) : plain(value),
    ]),
  );
}

function selection(set, model, models) {
  const selected = {};
  for (const field of set?.selections ?? []) {
    const name = field.name.value;
    if (field.selectionSet || field.arguments.length > 0) {
      const related = models.get(model?.get(name));
      selected[name] = {
        arguments: queryArguments(field.arguments, related, models),
        selection: selection(field.selectionSet, related, models),
      };
    } else {
      selected[name] = true;
    }
  }
  return selected;
}

/**
 * Turn one GraphQL query into one query of the JSON protocol.
 *
 * @param {object} document the parsed GraphQL text; prisma-client-py always asks for one root field, named "result"
 * @param {Map<string, Map<string, string>>} models see readModels()
 */
export function toJsonProtocol(document, models) {
  const field = document.definitions[0].selectionSet.selections[0];
  const parts = ROOT_NAME.exec(field.name.value);
  if (!parts) {
    throw new Error(`The query "${field.name.value}" is not known to the sandbox's query engine`);
  }
  const [, action, modelName, orThrow = ""] = parts;
  const model = models.get(modelName);
  return {
    ...(modelName ? { modelName } : {}),
    action: action + orThrow,
    query: {
      arguments: queryArguments(field.arguments, model, models),
      selection: selection(field.selectionSet, model, models),
    },
  };
}

/** Remove the type tags of the JSON protocol: the GraphQL protocol has bare values. */
function untag(value) {
  if (Array.isArray(value)) {
    return value.map(untag);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  if (typeof value.$type === "string") {
    return value.$type === "BigInt" ? number(String(value.value)) : value.value;
  }
  for (const name of Object.keys(value)) {
    value[name] = untag(value[name]);
  }
  return value;
}

/**
 * Turn the answer to one query into the GraphQL protocol's shape.
 *
 * @param {object} answer `{data: {<name>: ...}}` or `{errors: [...]}`
 */
export function toGraphqlAnswer(answer) {
  if (!answer.data) {
    return answer;
  }
  const result = Object.values(answer.data)[0];
  // The rows of raw queries have bare values already; what they hold is data, also where it looks like a tag.
  const raw = Array.isArray(result?.columns) && Array.isArray(result?.types) && Array.isArray(result?.rows);
  return { data: { result: raw ? result : untag(result) } };
}
