// Watches a run that is being trained, and ends it.
//
//     node tests/live.mjs URL PID
//
// URL is that of `harmonium train --live`, PID its process. Needs what report.mjs needs.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { kill } from "node:process";

const { chromium } = createRequire(join(process.cwd(), "_"))("playwright-core");
const [url, pid] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const page = await browser.newPage();
const wrong = [];
page.on("pageerror", (error) => wrong.push(String(error)));
page.on("request", (request) => request.url().startsWith(url) || request.url().startsWith("data:") || wrong.push(request.url()));
await page.goto(url);
const nPoints = () => page.locator("#chart-pseudo_likelihood .point").count().catch(() => 0);
const until = async (isSo, what) => {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await isSo()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(what);
};
await until(async () => (await nPoints()) > 0, "no record comes");
const before = await nPoints();
await until(async () => (await nPoints()) > before, "the page does not follow the run");
assert.deepEqual(wrong, []);
kill(Number(pid), "SIGINT");
const isOver = async () =>
  (await page.locator("#live").textContent().catch(() => "")).startsWith("This session of the run is over");
await until(isOver, "the page does not say that the session is over");
await browser.close();
console.log(`the page followed the run from ${before} records on`);
