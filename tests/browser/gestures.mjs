// What a person does with the page, in a person's words; for the tests of the built page.
//
// A run depends only on what was done and when in simulated time. So a test that acts stands the page still at a
// known instant first: then the same thing happens on a fast machine and on a slow one.

import assert from "node:assert/strict";

/** The button by which a component is there for those who do not use the canvas: `gateway-1, up`. */
export const component = (page, name) =>
  page.getByRole("group", { name: "Components" }).getByRole("button", { name: new RegExp(`^${name}, `) });

/** Waits until a component is `up`, `crashed`, … */
export const componentIs = (page, name, state) =>
  page.getByRole("group", { name: "Components" }).getByRole("button", { name: `${name}, ${state}`, exact: true }).waitFor();

/** The time on the clock, in seconds. */
export const clock = async (page) => parseFloat(await page.locator("#clock").innerText());

/** Waits until the clock is past `seconds`. */
export const clockPasses = (page, seconds) =>
  page.waitForFunction((seconds) => parseFloat(document.querySelector("#clock")?.textContent) > seconds, seconds);

export async function pause(page) {
  // The button's name follows what it does.
  await page.locator("#play").waitFor();
  const button = page.locator("#play[aria-label=Pause]");
  if (await button.count()) await button.click();
  await page.locator("#play[aria-label=Play]").waitFor();
}

export const play = (page) => page.locator("#play[aria-label=Play]").click();

/** Stands still at a whole second of the run. */
export async function standAt(page, second) {
  await pause(page);
  await page.locator("#speed").selectOption("1×");
  await page.getByRole("slider", { name: "Time", exact: true }).press("Home");
  await later(page, second);
  assert.equal(await clock(page), second);
}

/** So many seconds later, without waiting for them. */
export async function later(page, seconds) {
  const bar = page.getByRole("slider", { name: "Time", exact: true });
  const goal = Math.round((await clock(page)) + seconds);
  for (let left = seconds; left > 0; left -= left >= 5 ? 5 : 1) await bar.press(left >= 5 ? "Shift+ArrowRight" : "ArrowRight");
  await clockPasses(page, goal - 0.5);
}

/** Where a component is on the canvas. */
export async function spot(page, name) {
  const button = component(page, name);
  const [x, y] = await Promise.all(["data-x", "data-y"].map((each) => button.getAttribute(each)));
  assert(x && y, `${name} does not say where it is`);
  return { x: Number(x), y: Number(y) };
}

/** Where a component is on the page, for a pointer. */
export async function place(page, name) {
  const [{ x, y }, canvas] = [await spot(page, name), await page.locator("canvas").boundingBox()];
  return { x: canvas.x + x, y: canvas.y + y };
}

export async function click(page, name, options) {
  const { x, y } = await place(page, name);
  await page.mouse.click(x, y, options);
}

/** By right click and menu. */
export async function choose(page, name, entry) {
  await click(page, name, { button: "right" });
  await page.getByRole("menuitem", { name: entry }).click();
}

/** By keyboard, on the component's button. */
export async function press(page, name, key) {
  await component(page, name).focus();
  await page.keyboard.press(key);
}

export const log = (page) => page.locator(".log-panel");
/** Waits until the log has a line. */
export const logged = (page, text) => log(page).locator("li").filter({ hasText: text }).first().waitFor();
export const verdict = (page) => page.locator("#verdict");
export const notice = (page, text) => page.getByRole("status").getByText(text).first().waitFor();

/** For a context: counts the animation frames that a page and its frames ask for, in `window.framesAsked`. */
export function countFrames() {
  const ask = window.requestAnimationFrame.bind(window);
  window.askFrame = ask;
  window.framesAsked = 0;
  window.requestAnimationFrame = (then) => {
    window.framesAsked += 1;
    return ask(then);
  };
}

/** How many frames `frame` asks for while `page` draws `count` of its own. */
export async function framesAskedDuring(page, frame, count = 30) {
  const before = await frame.evaluate(() => window.framesAsked);
  await page.evaluate(
    (count) =>
      new Promise((done) => {
        const next = (left) => (left === 0 ? done() : window.askFrame(() => next(left - 1)));
        next(count);
      }),
    count,
  );
  return (await frame.evaluate(() => window.framesAsked)) - before;
}

/** What the canvas shows, as a number: another picture, another number. */
export const picture = (page) =>
  page.evaluate(() => {
    const canvas = document.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let hash = 17;
    for (let place = 0; place < data.length; place += 4) {
      hash = (hash * 31 + data[place] + 3 * data[place + 1] + 7 * data[place + 2]) | 0;
    }
    return hash;
  });

/** What of the page leaves the window to the left or right, and how wide the page is if that is too wide. */
export const sticksOut = (page) =>
  page.evaluate(() => {
    // A toolbar that scrolls by itself may be longer than it is wide, and so may what is not shown.
    const kept = ".toolbar, .tools, .transport, .unseen, .bar, .veil, .chart";
    const out = [...document.querySelectorAll("#app *")].filter((each) => {
      const { left, right, width } = each.getBoundingClientRect();
      return width > 0 && !each.closest(kept) && (right > innerWidth + 1 || left < -1);
    });
    const wide = document.scrollingElement.scrollWidth;
    return [...(wide > innerWidth ? [`the page, ${wide} wide`] : []), ...out.map((each) => each.outerHTML.slice(0, 100))];
  });
