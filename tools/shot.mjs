// A picture of the built page, to look at what one builds:
//
//   make shot URL='#…' OUT=shot.png W=1440 H=900 THEME=dark DO='await page.keyboard.press("Space")'
//
// URL is a fragment, a query, a path in the bundle or a whole address (of `make serve`, say). DO is JavaScript with
// `page` (Playwright's) in scope. What the page writes to its console as errors is said, and ends this with 1.

import { DIST, launch, started, visit } from "../tests/browser/harness.mjs";
import { serve } from "./server.mjs";

const { URL: url = "", OUT = "shot.png", W = "1280", H = "800", THEME = "light", MOTION = "yes", DO = "" } = process.env;

const host = await serve({ root: DIST });
const browser = await launch();
const { page, errors } = await visit(browser, /^\w+:\/\//.test(url) ? url : `${host.url}/${url}`, {
  width: Number(W),
  height: Number(H),
  theme: THEME,
  reducedMotion: MOTION === "no",
});
try {
  await started(page);
  const AsyncFunction = (async () => {}).constructor;
  await new AsyncFunction("page", DO)(page);
} catch (error) {
  errors.push(String(error)); // the picture is wanted all the same
}
await page.screenshot({ path: OUT });
await browser.close();
await host.close();
for (const error of errors) console.error(`error: ${error}`);
console.log(`${OUT}: ${W}×${H}, ${THEME}`);
process.exitCode = errors.length > 0 ? 1 : 0;
