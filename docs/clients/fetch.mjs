// A client of the Luma Agents API on Node's fetch, to be judged by `luma-conformance client -- node fetch.mjs`.
//
// The kit runs this program once per scenario, and says in the environment what to do: LUMA_TASK is `create`, `generate`
// or `download`. It exits with 0, or with another status once the API's `detail` or the `failure_code` is printed.
// Put your own client in its place.
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const { LUMA_BASE_URL, LUMA_AGENTS_API_KEY, LUMA_TASK, LUMA_PROMPT, LUMA_GENERATION_ID, LUMA_OUTPUT } = process.env;

// Failures of a generation that may pass; all others need another prompt, other media, or money.
const TRANSIENT = new Set(["generation_failed", "output_not_found", "rate_limited"]);
const ATTEMPTS = 5;

// Return what the API answers. What may pass is waited out: a 429 for as long as Retry-After says, a 502 or 503 for
// five seconds and more.
async function api(method, path, body) {
  for (let attempt = 1; ; attempt++) {
    let response, text;
    try {
      response = await fetch(LUMA_BASE_URL + path, {
        method,
        headers: { Authorization: `Bearer ${LUMA_AGENTS_API_KEY}`, "Content-Type": "application/json" },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(60_000),
      });
      text = await response.text();
    } catch (error) {
      // A lost POST may have made a generation, which costs money: only a GET is sent again.
      if (method !== "GET" || attempt === ATTEMPTS) throw error;
      await sleep(attempt * 1000);
      continue;
    }
    if (response.ok) return JSON.parse(text);
    if (![429, 502, 503].includes(response.status) || attempt === ATTEMPTS) {
      throw new Error(`${response.status}: ${text}`);
    }
    const after = Number(response.headers.get("retry-after"));
    // Timers may fire a moment early, hence the ten milliseconds.
    await sleep((after >= 1 ? after : attempt * 5) * 1000 + 10);
  }
}

const create = () => api("POST", "/generations", { prompt: LUMA_PROMPT });
const get = (id) => api("GET", `/generations/${id}`);

// Poll every two seconds until the generation is over, whichever way it ends.
async function finish(generation) {
  while (!["completed", "failed"].includes(generation.state)) {
    await sleep(2010);
    generation = await get(generation.id);
  }
  return generation;
}

// Submit a generation and wait for it; submit it again, twice at most, if its failure may pass.
async function generate() {
  for (let attempt = 1; ; attempt++) {
    const generation = await finish(await create());
    if (!TRANSIENT.has(generation.failure_code) || attempt === 3) return generation;
    await sleep(attempt * 2000);
  }
}

// Write the first output. The URL has expired if it is refused; each poll brings a fresh one.
async function save(generation) {
  if (generation.state === "failed") throw new Error(`${generation.failure_code}: ${generation.failure_reason}`);
  for (let attempt = 1; ; attempt++) {
    try {
      // Storage is another host and gets no key.
      const response = await fetch(generation.output[0].url);
      if (!response.ok) throw new Error(`the output's URL answers ${response.status}`);
      return await writeFile(LUMA_OUTPUT, Buffer.from(await response.arrayBuffer()));
    } catch (error) {
      if (attempt === 3) throw error;
      await sleep((attempt - 1) * 2000);
      generation = await get(generation.id);
    }
  }
}

try {
  if (LUMA_TASK === "create") console.log((await create()).id);
  if (LUMA_TASK === "generate") await save(await generate());
  if (LUMA_TASK === "download") await save(await finish(await get(LUMA_GENERATION_ID)));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
