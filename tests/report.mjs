// Opens the report of a run in a real browser and uses it as a reader would.
//
//     node tests/report.mjs RUN SCREENSHOTS [OTHER.html …] [#SECTION …]
//
// RUN is the folder of a run on images with several epochs; OTHER pages are only opened, at a narrow and a wide
// window, and one of them must have each SECTION, such as #logos, with pictures. Needs the
// package playwright-core and, in CHROMIUM or on the path, a Chromium.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// From where the command is given, so that the package can be installed anywhere.
const { chromium } = createRequire(join(process.cwd(), "_"))("playwright-core");
const [run, screenshots, ...rest] = process.argv.slice(2);
const sections = rest.filter((argument) => argument.startsWith("#")).map((argument) => argument.slice(1));
const others = rest.filter((argument) => !argument.startsWith("#"));
mkdirSync(screenshots, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

/** A page that fails on any message of an error, and on any request but for its own file. */
async function open(file, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  const url = pathToFileURL(resolve(file)).href;
  page.on("request", (request) => {
    const isOwn = request.url() === url || request.url().startsWith("data:");
    if (!isOwn) wrong.push(`a request to ${request.url()}`);
  });
  await page.goto(url);
  return { page, wrong, context };
}

async function fits(page) {
  const [needed, there] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert(needed <= there, `${needed} pixels wide in a window of ${there}`);
}

const file = join(run, "report.html");
const records = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n").map(JSON.parse);
const count = (key) => records.filter((record) => record[key] !== null).length;

for (const [width, colorScheme] of [[375, "light"], [1440, "light"], [375, "dark"], [1440, "dark"]]) {
  const { page, wrong, context } = await open(file, { viewport: { width, height: 900 }, colorScheme });
  await fits(page);
  for (const [id, keys] of [
    ["log_likelihood", ["log_likelihood"]],
    ["pseudo_likelihood", ["pseudo_likelihood", "pseudo_likelihood_test"]],
    ["free_energy", ["free_energy_train", "free_energy_test"]],
    ["free_energy_gap", ["free_energy_gap"]],
    ["reconstruction_error", ["reconstruction_error", "reconstruction_error_test"]],
    ["hidden_activity", ["mean_hidden_activity"]],
    ["idle_units", ["dead_hidden", "saturated_hidden"]],
    ["flip_rate", ["flip_rate"]],
    ["weight_norm", ["weight_norm"]],
    ["samples_per_second", ["samples_per_second"]],
  ]) {
    const points = page.locator(`#chart-${id} .linear .point`);
    const expected = keys.map(count).reduce((a, b) => a + b);
    assert.equal(await points.count(), expected, id);
    if (expected === 0) continue;

    // At the last point its value is told.
    const last = points.last();
    await last.scrollIntoViewIfNeeded();
    const box = await last.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const tip = page.locator("#tip");
    await tip.waitFor({ state: "visible" });
    const text = (await tip.textContent()).split("\n").at(-1);
    assert.equal(text, await last.getAttribute("data-text"));
    const value = Number(text.match(/(-?[\d.]+(e-?\d+)?)( \(.*\))? at epoch/)[1]);
    const record = records.findLast((record) => record[keys.at(-1)] !== null)[keys.at(-1)];
    assert(Math.abs(value - record) <= 0.006 * Math.abs(record), `${id}: ${text}, not ${record}`);
    const tipBox = await tip.boundingBox();
    assert(tipBox.x >= 0 && tipBox.x + tipBox.width <= width, `${id}: the value is out of sight`);
  }
  await page.mouse.move(1, 1);

  // The axis of epochs changes without another page.
  const shown = (kind) => page.locator(`#chart-pseudo_likelihood .${kind}`).isVisible();
  assert.deepEqual([await shown("linear"), await shown("log")], [true, false]);
  await page.locator("#log-epochs").check();
  assert.deepEqual([await shown("linear"), await shown("log")], [false, true]);
  await page.locator("#log-epochs").uncheck();

  // Every picture has been decoded, and those that are shown have their size.
  const images = await page.$$eval("img", (all) =>
    all.map((image) => [image.complete && image.naturalWidth > 0, image.alt.length > 0]));
  assert(images.length >= 5 && images.flat().every(Boolean), JSON.stringify(images));

  const filters = page.locator(".filters:not([hidden]) img");
  await filters.scrollIntoViewIfNeeded();
  const before = await filters.screenshot();
  await page.locator("#contrast").fill("3");
  assert.equal(await page.locator("#contrast-value").textContent(), "3");
  assert(!before.equals(await filters.screenshot()), "the slider does not change the filters");
  await page.locator("#contrast").fill("1");
  assert(before.equals(await filters.screenshot()), "the slider does not change them back");
  await page.locator("#order").selectOption("activity");
  assert(!before.equals(await filters.screenshot()), "the order of the filters does not change");

  const frames = await page.locator(".samples").count();
  assert(frames >= 3, `${frames} pictures of samples`);
  for (const at of [0, frames - 1]) {
    await page.locator("#epoch").fill(String(at));
    const shown = await page.locator(".samples:not([hidden])").getAttribute("data-epoch");
    assert.equal(await page.locator("#epoch-value").textContent(), shown);
    assert.equal(shown, await page.locator(".samples").nth(at).getAttribute("data-epoch"));
  }
  await page.locator("details summary").click();
  await fits(page);
  await page.locator("details summary").click();
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(screenshots, `report-${width}-${colorScheme}.png`), fullPage: true });
  assert.deepEqual(wrong, []);
  await context.close();
}

// What the README shows: the top of the page, and the pictures.
{
  const { page, context } = await open(file, { viewport: { width: 1100, height: 760 }, colorScheme: "light" });
  await page.screenshot({ path: join(screenshots, "report.png") });
  await context.close();
}

const seen = new Map();
for (const other of others) {
  for (const width of [375, 1440]) {
    const { page, wrong, context } = await open(other, { viewport: { width, height: 900 } });
    await fits(page);
    assert.equal(await page.locator("i, script:not(:last-child)").count(), 0, "text became HTML");
    const broken = await page.$$eval("img", (all) => all.filter((image) => !image.naturalWidth).length);
    assert.equal(broken, 0, `${other}: broken pictures`);
    // The weights of sites, their moments and their couplings, drawn inside the window.
    for (const id of ["logos", "heat-maps", "weight-map", "singular-values", "moments", "couplings"]) {
      const drawn = await page.$$eval(`#${id} svg:not(.log), #${id} img`, (all) => all.map((svg) => {
        const { x, width, height } = svg.getBoundingClientRect();
        const holder = svg.parentElement.getBoundingClientRect();
        // What is wider than its place scrolls there.
        const scrolls = getComputedStyle(svg.parentElement).overflowX === "auto";
        const fits = x + width <= holder.x + holder.width + 1;
        return [width > 20 && height > 10, x >= holder.x - 1 && (fits || scrolls)];
      }));
      assert(drawn.flat().every(Boolean), `${other}, ${id} at ${width}: ${JSON.stringify(drawn)}`);
      seen.set(id, (seen.get(id) ?? 0) + drawn.length);
    }
    // Wherever the pointer is in a cell, it shows the cell's value, not the name that is written there.
    const cells = await page.$$eval("#heat-maps rect", (all) => all.map((cell) => {
      cell.scrollIntoView({ block: "center", inline: "center" });
      const { x, y, width, height } = cell.getBoundingClientRect();
      return document.elementFromPoint(x + width / 2, y + height / 2) === cell;
    }));
    assert(cells.every(Boolean), `${other}: cells below their names`);
    // Pages of several runs: a run in the list stands out in the charts, and no other.
    const first = page.locator(".runs button").first();
    if (await first.count()) {
      await first.focus();
      const lit = await page.$$eval("#curves .series.on", (all) => new Set(all.map((series) => series.dataset.run)).size);
      assert.equal(lit, 1, `${other}: runs that stand out`);
      await first.blur();
    }
    assert.deepEqual(wrong, [], other);
    await page.screenshot({ path: join(screenshots, `other-${others.indexOf(other)}-${width}.png`), fullPage: true });
    await context.close();
  }
}
for (const id of sections) assert(seen.get(id) > 0, `no page has a picture in the section ${id}`);
await browser.close();
console.log(`the report of ${records.length} records and ${others.length} others are as they should be`);
