// The gallery, the pages of scenarios and the tour: found, run while pointed at, gone on from, read without a script.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DIST, load, screenshot, setUp, started } from "./harness.mjs";
import { clockPasses } from "./gestures.mjs";

const stage = await setUp();
const { source } = load("axe-core");

const gallery = (t, options) => stage.goto(t, `${stage.host.url}/gallery.html`, options);
const shown = (page) => page.locator(".card:visible").count();

test("cards are found by words and by how hard they are", async (t) => {
  const page = await gallery(t, { width: 1440, height: 900 });
  const all = await page.locator(".card").count();
  const built = readFileSync(`${DIST}/gallery.html`, "utf8").match(/class="card"/g).length;
  assert.equal(all, built);
  assert((await shown(page)) === all && all >= 40);
  await screenshot(page, "gallery");
  await page.getByRole("searchbox").fill("erlang");
  await page.getByRole("searchbox").fill("telephone");
  await page.locator('.card[data-name="telephone"]').waitFor();
  assert((await shown(page)) < all);
  assert.match(await page.locator(".find output").textContent(), new RegExp(`^\\d+ of ${all}$`));
  await page.getByRole("searchbox").fill("zzz");
  await page.getByText("Nothing here is called like that").waitFor();
  assert.equal(await page.locator("main h2:visible").count(), 0, "no shelf without a card");
  await page.getByRole("searchbox").fill("");
  await page.getByText("deep", { exact: true }).first().click();
  await page.locator('.card[data-name="one-computer"]').waitFor({ state: "hidden" });
  assert(await page.locator('.card[data-name="raft"]').isVisible());
});

test("every picture is there, and a card runs while it is pointed at", async (t) => {
  const page = await gallery(t, { width: 1440, height: 900 });
  const pictures = page.locator(".card img");
  for (let place = 0; place < (await pictures.count()); place += 1) {
    await pictures.nth(place).scrollIntoViewIfNeeded();
    await pictures.nth(place).evaluate((image) => image.decode());
  }
  const card = page.locator('.card[data-name="concurrency"] .stage');
  await card.hover();
  await page.locator(".live.runs").waitFor();
  const frame = page.frames().find((frame) => frame.url().includes("#1.concurrency"));
  await started(frame);
  await screenshot(page, "gallery-live");
  await page.mouse.move(5, 5);
  await page.locator(".live").waitFor({ state: "detached" });
});

test("what was done in a lesson is told in the gallery, and the next one is offered", async (t) => {
  const page = await gallery(t, { width: 1440, height: 900 });
  await page.getByRole("link", { name: "Next: Many computers look like one" }).click();
  await started(page);
  // The first task ticks by itself.
  await page.locator(".tasks .done").first().waitFor();
  await page.locator(".brand").click();
  const card = page.locator('.card[data-name="one-computer"]');
  await card.getByText(/^\d+ of \d+ done$/).waitFor();
});

test("the last step of a lesson leads on to the next scenario", async (t) => {
  const page = await stage.open(t, "#1~one-computer.step~99.at~1s.end");
  const next = page.locator(".steps .next");
  for (let turn = 0; turn < 12 && !(await next.textContent()).startsWith("Next: "); turn += 1) await next.click();
  assert.match(await next.textContent(), /^Next: One number, four ways/);
  await next.click();
  await page.locator("#scenario").evaluate((select) => select.value).then((value) => assert.equal(value, "shared-state"));
});

test("a scenario can be read about, with a figure that runs, and without any script of the page's own", async (t) => {
  const page = await stage.goto(t, `${stage.host.url}/s/raft/`, { width: 1024, height: 900, theme: "dark" });
  assert.equal(await page.locator("script").count(), 0);
  assert.equal(await page.title(), "Raft · Faultline");
  assert.equal(await page.locator('link[rel="canonical"]').count(), 0, "an address is named only where it is known");
  await started(page.frames()[1]);
  await clockPasses(page.frames()[1], 0);
  await page.getByRole("heading", { name: "What must hold" }).waitFor();
  await screenshot(page, "reading");
  await page.getByRole("link", { name: "Open it in the laboratory" }).click();
  await started(page);
  await page.locator("#scenario").waitFor();
});

for (const [name, options] of [
  ["wide", { width: 1440, height: 900 }],
  ["a tablet", { width: 1024, height: 768, theme: "dark" }],
  ["a phone", { width: 390, height: 844 }],
]) {
  test(`gallery, tour and a page have nothing seriously wrong and nothing too wide: ${name}`, async (t) => {
    for (const path of ["gallery.html", "tour.html", "s/quorum/"]) {
      const page = await stage.goto(t, `${stage.host.url}/${path}`, options);
      const { scrollWidth, innerWidth } = await page.evaluate(() => ({
        scrollWidth: document.scrollingElement.scrollWidth,
        innerWidth,
      }));
      assert(scrollWidth <= innerWidth, `${path}: ${scrollWidth} of ${innerWidth}`);
      await page.evaluate(source);
      const { violations } = await page.evaluate(() =>
        window.axe.run({ exclude: ["iframe"] }, { resultTypes: ["violations"], iframes: false }),
      );
      const serious = violations.filter((rule) => ["serious", "critical"].includes(rule.impact));
      assert.deepEqual(serious.flatMap((rule) => rule.nodes.map((node) => `${path}: ${rule.id}: ${node.html}`)), []);
      await screenshot(page, `${path.replaceAll("/", "-")}-${options.width}`);
    }
  });
}
