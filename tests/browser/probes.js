// What the tests ask a page: questions too long for a line of Python.
globalThis.probes = {
  shift: 0,

  // The photos that are shown, in reading order.
  names() {
    const position = (card) => Number(card.getAttribute("aria-posinset"));
    const cards = [...document.querySelectorAll(".card")].sort((a, b) => position(a) - position(b));
    return cards.map((card) => card.querySelector(".name").textContent);
  },

  // Texts whose contrast with what is behind them is below the 4.5 that WCAG AA asks for.
  pale() {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const rgba = (css) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = css;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const ground = (node) => {
      for (let at = node; at; at = at.parentElement) {
        const colour = rgba(getComputedStyle(at).backgroundColor);
        if (colour[3] === 255) return colour;
      }
      return rgba("canvas");
    };
    const ratio = (node) => {
      const [a, b] = [luminance(rgba(getComputedStyle(node).color)), luminance(ground(node))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05);
    };
    const written = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    return [...document.querySelectorAll("body *")]
      .filter((node) => node.checkVisibility() && !node.closest(".hidden, .skip, :disabled") && written(node))
      .filter((node) => ratio(node) < 4.5)
      .map((node) => `${ratio(node).toFixed(2)} ${node.className} ${node.textContent.trim().slice(0, 30)}`);
  },

  // Controls that assistive technology could not name.
  nameless() {
    return [...document.querySelectorAll("button, input, select, a, dialog, [role]")]
      .filter((node) => !["presentation", "status"].includes(node.role))
      .filter((node) => !(node.ariaLabel || node.textContent.trim() || node.labels?.length))
      .map((node) => node.outerHTML.slice(0, 120));
  },

  idsAreUnique() {
    const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
    return ids.length === new Set(ids).size;
  },

  referencesLeadSomewhere() {
    return ["aria-controls", "aria-activedescendant"].every((name) =>
      [...document.querySelectorAll(`[${name}]`)].every((node) => document.getElementById(node.getAttribute(name))));
  },

  focusIsSeen() {
    const node = document.activeElement;
    return node === document.body || node.id === "grid" || getComputedStyle(node).outlineStyle !== "none";
  },

  rightmost(selector) {
    const seen = [...document.querySelectorAll(selector)].filter((node) => node.checkVisibility() && !node.closest(".hidden"));
    return Math.max(...seen.map((node) => node.getBoundingClientRect().right));
  },

  // Of each compared photo: how far the middle of its face is from the middle of its pane.
  faceOffsets() {
    const middle = (node) => {
      const { x, y, width, height } = node.getBoundingClientRect();
      return [x + width / 2, y + height / 2];
    };
    return [...document.querySelectorAll("#compare .pane")].map((pane) => {
      const [[fx, fy], [px, py]] = [middle(pane.querySelector("rect")), middle(pane.querySelector(".pane-view"))];
      return Math.hypot(fx - px, fy - py);
    });
  },

  // Whether the text of an element is wider than its box and ends in dots.
  isCut(node) {
    const text = document.createRange();
    text.selectNodeContents(node);
    return text.getBoundingClientRect().width > node.getBoundingClientRect().width + 0.01;
  },

  isDrawn(canvas) {
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
  },

  largeViewShows(name) {
    return Boolean(document.querySelector("#large .stage.loaded")) && document.querySelector("#large h2").textContent === name;
  },
};

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.probes.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
