// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: litemaas.virtual_keys contributors
//
// Stands in for Prisma's native query engine: prisma-client-py starts it as `query-engine -p PORT ...` and talks HTTP
// to it. The native engine comes from a download host of its own; this one needs npm packages only.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { require, startEngine } from "./engine.mjs";
import { readModels } from "./schema.mjs";
import { toGraphqlAnswer, toJsonProtocol } from "./translate.mjs";

function databaseUrl() {
  const overrides = JSON.parse(process.env.OVERWRITE_DATASOURCES ?? "[]");
  return overrides[0]?.url ?? process.env.DATABASE_URL;
}

function readBody(request) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    request.on("error", reject);
  });
}

/** The answer to something that failed outside the engine, in the shape that prisma-client-py reads. */
function failure(error) {
  const message = error?.message ?? String(error);
  const facing = { is_panic: false, message, meta: {}, error_code: "P2009" };
  return { errors: [{ error: message, user_facing_error: facing }] };
}

async function answerQuery(engine, models, body, transaction) {
  const { parse } = require("graphql");
  const translate = (entry) => toJsonProtocol(parse(entry.query, { noLocation: true }), models);
  if (!body.batch) {
    return toGraphqlAnswer(await engine.query(translate(body), transaction));
  }
  const batch = { batch: body.batch.map(translate), ...(body.transaction ? { transaction: {} } : {}) };
  const answer = await engine.query(batch, transaction);
  return answer.batchResult ? { batchResult: answer.batchResult.map(toGraphqlAnswer) } : answer;
}

/** The HTTP status that the native engine gives for a transaction that failed. */
function transactionStatus(answer) {
  if (!answer.user_facing_error) {
    return 200;
  }
  const text = `${answer.error} ${answer.user_facing_error.message}`;
  if (/Unable to start a transaction in the given time/.test(text)) {
    return 504;
  }
  return /Transaction already closed|no longer valid|not found/i.test(text) ? 422 : 500;
}

async function answer(engine, models, request) {
  const path = request.url.split("?")[0];
  const text = await readBody(request);
  if (path === "/status") {
    return [200, { status: "ok" }];
  }
  if (path === "/metrics") {
    return [200, { counters: [], gauges: [], histograms: [] }];
  }
  const transaction = /^\/transaction\/(?:(start)|([^/]+)\/(commit|rollback))$/.exec(path);
  if (transaction) {
    const [, start, id, end] = transaction;
    const result = start ? await engine.startTransaction(JSON.parse(text || "{}")) : await engine[end](id);
    const status = transactionStatus(result);
    return [status, status === 200 ? result : result.user_facing_error];
  }
  if (path === "/" && request.method === "POST") {
    return [200, await answerQuery(engine, models, JSON.parse(text), request.headers["x-transaction-id"])];
  }
  return [404, { error: "not found" }];
}

async function serve(port) {
  const schema = readFileSync(process.env.PRISMA_DML_PATH, "utf8");
  const models = readModels(schema);
  const engine = await startEngine(schema, databaseUrl());

  const server = createServer(async (request, response) => {
    let status = 200;
    let body;
    try {
      [status, body] = await answer(engine, models, request);
    } catch (error) {
      console.error(`query engine: ${error?.stack ?? error}`);
      body = failure(error);
    }
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  // The client keeps its connections and does not repeat a request that meets a closed one: never close first.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.listen(port, "127.0.0.1");
}

function endWithParent() {
  // Whatever way LiteLLM ends, also killed, this process must not stay.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) {
      process.exit(0);
    }
  }, 300);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => process.exit(0));
  }
}

const args = process.argv.slice(2);
if (args.includes("--version")) {
  console.log(`query-engine ${require("@prisma/query-engine-wasm/package.json").version.split(".").pop()}`);
} else {
  endWithParent();
  process.on("unhandledRejection", (error) => console.error(`query engine: ${error?.stack ?? error}`));
  await serve(Number(args[args.indexOf("-p") + 1]));
}
