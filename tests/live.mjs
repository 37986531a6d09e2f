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
// What a reader has done on the page stays while epochs come in, and no other page is loaded.
await page.evaluate(() => {
  window.isTheSame = true;
  document.querySelector(".settings details").open = true;
  const choose = (id, value) => {
    const control = document.getElementById(id);
    control.value = value;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  };
  choose("contrast", "2");
  choose("order", "activity");
  document.getElementById("contrast").focus();
  getSelection().selectAllChildren(document.querySelector("#curves h2"));
  scrollTo(0, 400);
});
const state = () =>
  page.evaluate(() => ({
    isTheSame: window.isTheSame,
    isOpen: document.querySelector(".settings details").open,
    contrast: document.getElementById("contrast").value,
    filter: document.querySelector(".filters:not([hidden]) img").style.filter,
    order: document.querySelector(".filters:not([hidden])").dataset.order,
    focus: document.activeElement.id,
    selection: getSelection().toString(),
    scroll: scrollY,
    live: document.getElementById("live").textContent,
  }));
const chosen = await state();
assert.equal(chosen.filter, "contrast(2)");
assert.deepEqual([chosen.isOpen, chosen.order, chosen.selection, chosen.scroll], [true, "activity", "Curves", 400]);
const before = await nPoints();
const version = () => page.evaluate(() => document.body.dataset.version);
const seen = new Set([await version()]);
await until(async () => seen.add(await version()).size > 3 && (await nPoints()) > before, "the page does not follow the run");
assert.deepEqual(await state(), { ...chosen, live: "live" });
assert.deepEqual(wrong, []);
kill(Number(pid), "SIGINT");
const live = () => page.locator("#live").textContent();
await until(async () => /^the run has ended: interrupted after \d+ epochs?$/.test(await live()), "the page does not say how the run ended");
await until(async () => !(await page.locator(".summary").textContent()).includes("is being trained"), "the last page does not come");
assert.equal((await state()).isTheSame, true);
await browser.close();
console.log(`the page followed the run in place from ${before} records on`);
