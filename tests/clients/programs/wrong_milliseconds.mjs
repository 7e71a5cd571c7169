// Wrong: setTimeout takes milliseconds, Retry-After is seconds.
import { writeFileSync } from "node:fs";

const { LUMA_BASE_URL, LUMA_AGENTS_API_KEY, LUMA_TASK, LUMA_PROMPT, LUMA_GENERATION_ID, LUMA_OUTPUT } = process.env;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function api(path, body) {
  for (let attempt = 0; ; attempt++) {
    const response = await fetch(LUMA_BASE_URL + path, {
      method: body ? "POST" : "GET",
      headers: { authorization: `Bearer ${LUMA_AGENTS_API_KEY}`, "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.ok) return answer;
    if (response.status !== 429 || attempt === 4) {
      console.error(answer.detail);
      process.exit(1);
    }
    await sleep(response.headers.get("retry-after") ?? 1000);
  }
}

let generation =
  LUMA_TASK === "download"
    ? await api(`/generations/${LUMA_GENERATION_ID}`)
    : await api("/generations", { prompt: LUMA_PROMPT });
if (LUMA_TASK === "create") {
  console.log(generation.id);
} else {
  while (!["completed", "failed"].includes(generation.state)) {
    await sleep(3000);
    generation = await api(`/generations/${generation.id}`);
  }
  if (generation.state === "failed") {
    console.error(generation.failure_code);
    process.exit(1);
  }
  const image = await fetch(generation.output[0].url);
  writeFileSync(LUMA_OUTPUT, Buffer.from(await image.arrayBuffer()));
}
