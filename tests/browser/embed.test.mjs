// A figure in somebody's page: it runs where it is let, and leaves the page its wheel, its keys and its time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { screenshot, serve, setUp, started, STRICT_CSP } from "./harness.mjs";
import { clock, clockPasses, countFrames, framesAskedDuring, spot } from "./gestures.mjs";

const stage = await setUp({ csp: STRICT_CSP });

/** A page on another origin, taller than the window, with a figure a little below its top. */
async function blog(t, query = "", { fragment = "", ...options } = {}) {
  const frame = `<iframe src="${stage.host.url}/?embed=1${query}${fragment}" sandbox="allow-scripts" title="A figure" width="640" height="400"></iframe>`;
  const text = `<!doctype html><title>Blog</title><p>Words</p>${frame}<div style="height:4000px"></div>`;
  const host = await serve({ pages: { "/": text } });
  t.after(() => host.close());
  const page = await stage.goto(t, "about:blank", options);
  await page.addInitScript(countFrames);
  await page.goto(`${host.url}/`);
  const figure = page.frames()[1];
  await started(figure);
  return { page, figure };
}

test("a figure plays when it is seen, and asks for nothing when it is not", async (t) => {
  const { page, figure } = await blog(t);
  await clockPasses(figure, 0.1);
  await screenshot(page, "embed");
  await page.evaluate(() => scrollTo(0, 3000));
  // One frame may have been asked for before the figure knew.
  await framesAskedDuring(page, figure, 10);
  const left = await clock(figure);
  assert.equal(await framesAskedDuring(page, figure), 0, "frames that nobody sees");
  await page.evaluate(() => scrollTo(0, 0));
  await clockPasses(figure, left);
  assert((await clock(figure)) < left + 5, "the run does not catch up with what nobody saw");
});

test("the wheel over a figure scrolls the page; keys are the page's until the figure is clicked", async (t) => {
  const { page, figure } = await blog(t);
  await clockPasses(figure, 0);
  const before = await spot(figure, "gateway-1");
  const { x, y } = await page.locator("iframe").boundingBox();
  await page.mouse.move(x + 300, y + 150);
  await page.mouse.wheel(0, 120);
  await page.waitForFunction(() => scrollY > 0);
  assert.deepEqual(await spot(figure, "gateway-1"), before, "the wheel does not zoom");

  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForFunction(() => scrollY === 0);
  await page.keyboard.press("Space");
  await page.waitForFunction(() => scrollY > 0);
  assert.equal(await figure.locator("#play").getAttribute("aria-label"), "Pause");

  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForFunction(() => scrollY === 0);
  // The ground beside everything.
  await page.locator("iframe").click({ position: { x: 8, y: 8 } });
  await page.waitForFunction(() => document.activeElement.tagName === "IFRAME");
  await page.keyboard.press("Space");
  await figure.locator("#play[aria-label=Play]").waitFor();
});

for (const [what, query, options] of [
  ["that is told not to play", "&autoplay=0", {}],
  ["for a reader who wants less motion", "", { reducedMotion: true }],
]) {
  test(`a figure ${what} stands still until it is asked`, async (t) => {
    const { page, figure } = await blog(t, query, options);
    const button = figure.locator("#play");
    await figure.locator("#play[aria-label=Play]").waitFor();
    await framesAskedDuring(page, figure, 5);
    const still = await clock(figure);
    assert.equal(await framesAskedDuring(page, figure), 0);
    assert.equal(await clock(figure), still);
    assert(still < 0.2, `it stands at ${still}`);
    await button.click();
    await clockPasses(figure, still);
  });
}

test("a figure is dark or light as its address says, whatever the system", async (t) => {
  const ground = (figure) => figure.locator(".embed-figure").evaluate((each) => getComputedStyle(each).backgroundColor);
  const light = await blog(t, "&theme=light&caption=Two%20<b>words</b>", { theme: "dark" });
  const dark = await blog(t, "&theme=dark&controls=0", { theme: "light" });
  assert.equal(await light.figure.locator("html").getAttribute("data-theme"), "light");
  assert.equal(await dark.figure.locator("html").getAttribute("data-theme"), "dark");
  assert.notEqual(await ground(light.figure), await ground(dark.figure));
  assert.equal(await light.figure.locator("figcaption span").first().innerText(), "Two <b>words</b>", "a caption is text");
  assert.equal(await dark.figure.locator("#play").count(), 0);
  await screenshot(dark.page, "embed-dark");
});

test("the article's figures run, in both themes and on a phone", async (t) => {
  // An article has frames, which the strictest policy for the page itself does not allow.
  const host = await serve({ root: stage.root });
  t.after(() => host.close());
  for (const [name, options] of [
    ["article", { width: 900, height: 1500 }],
    ["article-phone", { width: 390, height: 844, theme: "dark" }],
  ]) {
    const page = await stage.goto(t, `${host.url}/article.html`, options);
    assert.equal(await page.locator("script").count(), 0);
    for (const frame of await page.locator("iframe").all()) {
      await frame.scrollIntoViewIfNeeded();
      await frame.contentFrame().locator("#clock").waitFor();
    }
    const [first, second] = page.frames().slice(1);
    await page.locator("iframe").first().scrollIntoViewIfNeeded();
    await clockPasses(first, 0);
    assert((await clock(second)) > 2, "the second figure opens at its moment");
    assert.equal(await second.getByRole("status").locator("li").count(), 0, "and has nothing to complain of");
    assert.equal(await second.getByRole("button", { name: "sender-1, crashed" }).count(), 1);
    const { scrollWidth, innerWidth } = await page.evaluate(() => ({
      scrollWidth: document.scrollingElement.scrollWidth,
      innerWidth,
    }));
    assert(scrollWidth <= innerWidth);
    await page.evaluate(() => scrollTo(0, 0));
    await screenshot(page, name);
  }
});
