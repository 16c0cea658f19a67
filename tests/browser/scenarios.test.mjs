// Every built-in scenario, as the page's own list has them: it runs, it is drawn, and nothing of it sticks out.

import assert from "node:assert/strict";
import { test } from "node:test";
import { screenshot, setUp } from "./harness.mjs";
import { clockPasses, pause, sticksOut } from "./gestures.mjs";

const stage = await setUp();

/** How many colours the canvas shows, of every seventh pixel; a blank one shows one. */
const colours = (page) =>
  page.evaluate(() => {
    const canvas = document.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let place = 0; place < data.length; place += 28) seen.add(`${data[place]} ${data[place + 1]} ${data[place + 2]}`);
    return seen.size;
  });

/** The components whose middle is beside the canvas or under the tools. */
const hidden = (page) =>
  page.evaluate(() => {
    const canvas = document.querySelector("canvas").getBoundingClientRect();
    const top = document.querySelector(".toolbar").getBoundingClientRect().bottom;
    const parts = [...document.querySelectorAll("[aria-label=Components] button")];
    const out = parts.filter((part) => {
      const [x, y] = [Number(part.dataset.x), Number(part.dataset.y)];
      return x < 0 || x > canvas.width || y + canvas.top < top || y > canvas.height;
    });
    return out.map((part) => part.textContent);
  });

test("every scenario runs for three seconds and is all there, on a desk and on a phone", async (t) => {
  const page = await stage.open(t, "", { width: 1440, height: 900 });
  const names = await page.locator("#scenario option").evaluateAll((options) => options.map((option) => option.value));
  assert(names.length >= 15, `${names.length} scenarios in the list`);
  for (const name of names) {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.locator("#scenario").selectOption(name);
    await page.waitForFunction(() => parseFloat(document.querySelector("#clock").textContent) < 3);
    await page.locator("#speed").selectOption("5×");
    await clockPasses(page, 3);
    await pause(page);
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
      await page.waitForFunction(() => document.querySelector("canvas").clientWidth <= innerWidth);
      await page.getByRole("button", { name: "Fit" }).click(); // whatever is done refreshes the places
      assert.deepEqual(await sticksOut(page), [], `${name}: what leaves the window at ${width} pixels`);
      assert((await colours(page)) > 8, `${name}: the stage is blank at ${width} pixels`);
      assert.deepEqual(await hidden(page), [], `${name}: what is hidden at ${width} pixels`);
      await screenshot(page, `scenario-${name}-${width}`);
    }
  }
});
