// Starts the page: gets the wasm, hands it to wasm-bindgen's loader, and says so if that fails.
//
// Why not trunk's own inline module script? The page must start
//   - under `Content-Security-Policy: script-src 'self' 'wasm-unsafe-eval'`: nothing inline;
//   - in `<iframe sandbox="allow-scripts">`, whose origin is opaque, from any static host. There a module
//     script and a fetch are cross-origin requests that the host would have to allow by
//     `Access-Control-Allow-Origin`, and most do not send it. A classic script needs no such leave.
//     So the loader is a classic script (`data-bindgen-target="no-modules"` in index.html), and where
//     the wasm itself cannot be fetched, its bytes come in one too (tools/finish-page.sh makes it);
//   - from a folder opened in the browser (file://), which is the same case.
//
// In a release the wasm is in two parts (tools/split.mjs). The page starts with the first and asks for the later one when
// it has started; a figure in somebody's article waits with that until a reader turns to it. The first part is what the
// opening scenario needs; a link to anything else asks for both at once. Code that needs the later part before it is here
// fetches it on the spot. Where only scripts can be had that cannot be done, so there, too, both parts come first.
(() => {
  // A development build is in one part.
  const { wasm: url, later: laterUrl, style } = document.currentScript.dataset;

  /** The bytes of a part as a classic script carries them: gzipped, in base64. */
  const packed = (url) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url.replace(".wasm", ".wasm.js");
      script.onerror = () => reject(new Error(`cannot load ${url}`));
      window.faultlineWasm = (base64) => {
        delete window.faultlineWasm;
        const gzipped = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        const stream = new Blob([gzipped]).stream().pipeThrough(new DecompressionStream("gzip"));
        resolve(new Response(stream, { headers: { "Content-Type": "application/wasm" } }));
      };
      document.head.append(script);
    });

  const fetched = (url) =>
    fetch(url).then((response) => {
      if (!response.ok) throw new Error(`${response.status} for ${url}`);
      return response;
    });

  // An opaque origin is told by its name, not by trying: a refused fetch would cost a round trip and
  // leave an error in the console of the page that embeds us.
  let scripts = window.origin === "null";
  const first = () => (scripts = true) && packed(url);
  const wasm = scripts ? first() : fetched(url).catch(first);
  // What was done survives that the page is loaded again, where the browser lets us keep it.
  const KEPT = "faultline";
  const kept = (() => {
    try {
      const [address, fragment] = JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
      const again = performance.getEntriesByType("navigation")[0]?.type === "reload";
      return again && address === location.href ? fragment : undefined;
    } catch {
      return undefined; // a frame without storage
    }
  })();
  // How much of each lesson was done is shown in the gallery: the most there ever was.
  const LESSONS = "faultline.lessons";
  const learn = () => {
    if (document.body.classList.contains("embed")) return; // what ticks in a figure, nobody did
    if (!parts || missing()) return; // before that nobody has learnt much
    try {
      const [name, done] = wasm_bindgen.learnt().split(" ");
      const all = JSON.parse(localStorage.getItem(LESSONS)) ?? {};
      if (Number(done) > (all[name] ?? 0)) localStorage.setItem(LESSONS, JSON.stringify({ ...all, [name]: Number(done) }));
    } catch {
      // It does not run yet, or there is nowhere to keep it.
    }
  };
  // Before another scenario is chosen, or gone on to.
  for (const turn of ["change", "click"]) addEventListener(turn, learn, true);
  addEventListener("pagehide", () => {
    learn();
    try {
      sessionStorage.removeItem(KEPT);
      // What has stopped for good has its own way back.
      const stands = parts && !missing() && !document.getElementById("stopped");
      if (stands) sessionStorage.setItem(KEPT, JSON.stringify([location.href, wasm_bindgen.here()]));
    } catch {
      // There is nowhere to keep it.
    }
  });

  const plain = !kept && /^(#(1\.chat)?)?$/.test(location.hash);
  const rest = scripts || plain || !laterUrl ? null : fetched(laterUrl).catch(() => null);

  /** What the first part has for the later one; `later` is a number in it: whether that is here. */
  let parts;
  const missing = () => parts.later?.value === 0;
  const join = (module) => missing() && new WebAssembly.Instance(module, { "": parts });
  const compiled = (response) => response.arrayBuffer().then((bytes) => WebAssembly.compile(bytes));

  /** The later part, now: the one thing for which a page may be made to wait. */
  const atOnce = () => {
    const gone = () => Object.assign(new Error(`cannot load ${laterUrl}`), { later: true });
    const request = new XMLHttpRequest();
    request.open("GET", laterUrl, false);
    request.overrideMimeType("text/plain; charset=x-user-defined"); // a byte a letter
    try {
      request.send();
    } catch {
      throw gone(); // no connection
    }
    if (request.status !== 200) throw gone();
    join(new WebAssembly.Module(Uint8Array.from(request.responseText, (c) => c.charCodeAt(0))));
  };

  // Styles of what nobody sees before somebody turns to it.
  const dress = () => {
    if (document.getElementById("later")) return;
    document.head.append(Object.assign(document.createElement("link"), { id: "later", rel: "stylesheet", href: style }));
  };

  // The wasm calls this: with 1 when it cannot go on without the later part, with 0 when it has started, and with 2 when it
  // will need it before long.
  window.faultlineLater = (when) => {
    const figure = document.body.classList.contains("embed");
    if (when || !figure) dress();
    if (!missing()) return;
    if (when === 1) return atOnce();
    // If this fails, whoever needs it tries again, and says so.
    const ask = () => dress() || fetched(laterUrl).then(compiled).then(join).catch(() => {});
    if (when === 2 || !figure) return void ask();
    for (const turn of ["pointerover", "focusin"]) addEventListener(turn, ask, { once: true });
  };

  const fail = (error) => {
    console.error(error);
    const boot = document.getElementById("boot");
    if (!boot) return stopped(error);
    boot.setAttribute("role", "alert");
    boot.textContent =
      typeof WebAssembly === "object"
        ? `Faultline could not start: ${error.message ?? error}`
        : "Faultline needs WebAssembly, which this browser does not have or does not allow here.";
  };

  /** What stands there when it has stopped for good, with the way back to where it was. */
  const stopped = (error) => {
    if (document.getElementById("stopped")) return;
    const told = (tag, words, more = {}) => Object.assign(document.createElement(tag), { textContent: words }, more);
    const page = told("section", "", { id: "stopped" });
    page.setAttribute("role", "alertdialog");
    page.setAttribute("aria-label", "Faultline has stopped");
    const address = location.href.replace(/#.*/, "") + (here ? `#${here}` : location.hash);
    const back = told("a", "Open this moment again", { href: address });
    // An address that differs in its fragment alone would not load the page anew.
    back.onclick = () => setTimeout(() => location.reload());
    const lost = ours
      ? "This is a mistake of ours, not of yours. Nothing is lost: this link leads back to the last moment before it."
      : "A part of it could not be fetched. Nothing is lost: this link leads back to where you were.";
    const words = String(error.message ?? error).replace(/\/\S*\/registry\/src\/[^/]*\//, ""); // where it was built
    page.append(told("h1", "Faultline has stopped"), told("p", lost), told("p", ""), told("pre", words));
    page.children[2].append(back);
    document.body.append(page);
    back.focus();
  };
  let here = "";
  let ours = false;

  // The wasm calls this when it has found a mistake in itself, with the link to where it was. What it cannot say itself,
  // as that it is out of memory, ends in the same place.
  window.faultlineStopped = (message, fragment) => {
    [here, ours] = [fragment, true];
    console.error(message);
    stopped(message);
  };
  addEventListener("error", ({ error }) => {
    ours ||= error instanceof WebAssembly.RuntimeError;
    if (ours || error?.later) stopped(error);
  });

  wasm.catch(() => {}); // said below, once

  const start = async () => {
    if (typeof wasm_bindgen !== "function") throw new Error("its loader did not arrive");
    parts = await wasm_bindgen({ module_or_path: await wasm });
    if (missing() && (scripts || rest)) {
      const response = (scripts ? null : await rest) ?? (await packed(laterUrl));
      join(await compiled(response));
    }
    wasm_bindgen.open(kept);
  };

  // wasm-bindgen's loader is the script after this one: with `defer` both have run by now.
  document.addEventListener("DOMContentLoaded", () => start().catch(fail));
})();
