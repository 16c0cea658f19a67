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
(() => {
  const url = document.currentScript.dataset.wasm;

  /** The bytes as a classic script carries them: gzipped, in base64. */
  const packed = () =>
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

  const fetched = () =>
    fetch(url).then((response) => {
      if (!response.ok) throw new Error(`${response.status} for ${url}`);
      return response;
    });

  // An opaque origin is told by its name, not by trying: a refused fetch would cost a round trip and
  // leave an error in the console of the page that embeds us.
  const wasm = window.origin === "null" ? packed() : fetched().catch(packed);

  const fail = (error) => {
    console.error(error);
    const boot = document.getElementById("boot");
    if (!boot) return;
    boot.setAttribute("role", "alert");
    boot.textContent =
      typeof WebAssembly === "object"
        ? `Faultline could not start: ${error.message ?? error}`
        : "Faultline needs WebAssembly, which this browser does not have or does not allow here.";
  };
  wasm.catch(() => {}); // said below, once

  // wasm-bindgen's loader is the script after this one: with `defer` both have run by now.
  document.addEventListener("DOMContentLoaded", () => {
    if (typeof wasm_bindgen !== "function") return fail(new Error("its loader did not arrive"));
    wasm.then((response) => wasm_bindgen({ module_or_path: response })).catch(fail);
  });
})();
