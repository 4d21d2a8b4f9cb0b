// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: litemaas.virtual_keys contributors
//
// Prisma's query engine, as WebAssembly, on a pool of connections of the "pg" driver.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// The npm packages are installed elsewhere; ES modules can only be looked up from a file's own folder.
const packages = process.env.SANDBOX_NODE_PACKAGES;
export const require = createRequire(join(packages, "package.json"));

const TEXT = 25;
const TEXT_ARRAY = 1009;
// Column types that the pg adapter refuses and the native engine reads as text: "char", name, name[].
const READ_AS = new Map([[18, TEXT], [19, TEXT], [1003, TEXT_ARRAY]]);

/** Connection settings for "pg" out of a Prisma URL, with Prisma's own URL parameters. */
function poolSettings(databaseUrl) {
  const url = new URL(databaseUrl);
  const parameter = (name, fallback) => Number(url.searchParams.get(name)) || fallback;
  return {
    host: url.hostname,
    port: Number(url.port) || 5432,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    max: parameter("connection_limit", 10),
    connectionTimeoutMillis: 1000 * parameter("pool_timeout", 10),
    idleTimeoutMillis: 0,
    // The adapter cuts the offset off a timestamp with time zone, so it must always be +00.
    options: "-c TimeZone=UTC",
  };
}

function createPool(databaseUrl) {
  const { Pool, types } = require("pg");
  types.setTypeParser(1003, types.getTypeParser(TEXT_ARRAY));
  const pool = new Pool(poolSettings(databaseUrl));
  // A connection that breaks (the database is restarted) is dropped by the pool and replaced when needed. Without
  // these listeners Node.js would end the process.
  pool.on("error", (error) => console.error(`query engine: idle database connection lost: ${error.message}`));
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

function createAdapter(pool) {
  const { PrismaPg } = require("@prisma/adapter-pg");
  const adapter = new PrismaPg(pool);
  const base = Object.getPrototypeOf(PrismaPg.prototype);
  const performIO = base.performIO;
  base.performIO = async function (query) {
    const result = await performIO.call(this, query);
    for (const field of result.ok ? result.value.fields : []) {
      field.dataTypeID = READ_AS.get(field.dataTypeID) ?? field.dataTypeID;
    }
    return result;
  };
  return require("@prisma/driver-adapter-utils").bindAdapter(adapter);
}

/** The error of the JavaScript driver as the native engine would report it. */
function driverError(error, settings) {
  const message = error?.message ?? String(error);
  let code = "P2010";
  let text = message;
  if (/timeout exceeded when trying to connect/.test(message)) {
    code = "P2024";
    text = "Timed out fetching a new connection from the connection pool.";
  } else if (/terminated|closed|ECONNRESET|EPIPE|not queryable/i.test(message)) {
    code = "P1017";
    text = "Server has closed the connection.";
  } else if (/^E[A-Z]+$/.test(error?.code ?? "")) {
    code = "P1001";
    text = `Can't reach database server at \`${settings.host}:${settings.port}\``;
  }
  const meta = { database_host: settings.host, database_port: settings.port };
  return { error: message, user_facing_error: { is_panic: false, message: text, meta, error_code: code } };
}

/**
 * Start the engine.
 *
 * @param {string} datamodel the text of schema.prisma
 * @param {string} databaseUrl
 * @returns an object with query(), startTransaction(), commit() and rollback(); all take and give plain objects
 */
export async function startEngine(datamodel, databaseUrl) {
  const folder = join(packages, "node_modules", "@prisma", "query-engine-wasm", "postgresql");
  const bindings = await import(pathToFileURL(join(folder, "query_engine_bg.js")).href);
  const module = new WebAssembly.Module(readFileSync(join(folder, "query_engine_bg.wasm")));
  bindings.__wbg_set_wasm(new WebAssembly.Instance(module, { "./query_engine_bg.js": bindings }).exports);

  const pool = createPool(databaseUrl);
  const adapter = createAdapter(pool);
  const options = { datamodel, logLevel: "error", logQueries: false };
  const engine = new bindings.QueryEngine(options, (line) => console.error(`query engine: ${line}`), adapter);
  await engine.connect("{}");

  // An error of the JavaScript driver itself reaches the engine as a number only.
  const registered = adapter.errorRegistry.registeredErrors;
  const explain = (entry) => {
    const id = entry.user_facing_error?.error_code === "P2036" ? entry.user_facing_error.meta?.id : undefined;
    if (id === undefined || registered[id] === undefined) {
      return entry;
    }
    const { error } = registered[id];
    delete registered[id];
    return driverError(error, pool.options);
  };
  const read = (text) => {
    const answer = JSON.parse(text);
    for (const part of [answer, ...(answer.batchResult ?? [])]) {
      if (part.errors) {
        part.errors = part.errors.map(explain);
      }
    }
    // Transactions report their errors bare, queries in a list.
    return answer.error_code === undefined ? answer : explain({ error: answer.message, user_facing_error: answer });
  };
  return {
    query: async (body, transaction) => read(await engine.query(JSON.stringify(body), "{}", transaction)),
    startTransaction: async (body) => read(await engine.startTransaction(JSON.stringify(body), "{}")),
    commit: async (id) => read(await engine.commitTransaction(id, "{}")),
    rollback: async (id) => read(await engine.rollbackTransaction(id, "{}")),
  };
}
