"use strict";
const Sidebar = (() => {
  const BINS = 25;
  const LONG = 8; // values; longer lists scroll
  const root = Dom.byId("filters");
  const allScores = Array.from({ length: Photos.count }, (_, i) => Photos.score(i)).filter((score) => score !== null);
  const allBins = Stats.histogram(allScores, BINS, 0, 100);
  const rows = []; // { facet, value, input, count, row }

  const chart = Dom.make("div", { class: "histogram" });
  const bound = (label, value) => Dom.make("input", { type: "number", min: 0, max: 100, step: 1, value, "aria-label": label, class: "bound", onchange: typed });
  const low = bound("Lowest score", 0);
  const high = bound("Highest score", 100);
  const clear = Dom.button("Clear all", { class: "link", onclick: Filters.clear, hidden: true });

  function typed() {
    const value = (input, missing) => (input.value === "" ? missing : Math.min(100, Math.max(0, Number(input.value))));
    Filters.setRange(value(low, 0), value(high, 100));
    showRange(); // also in the field that has the focus: its typing is over
  }

  function showRange(skipped) {
    const [from, to] = Filters.range ?? [0, 100];
    if (low !== skipped) low.value = from;
    if (high !== skipped) high.value = to;
  }

  function option(facet, [value, text, title = text]) {
    const input = Dom.make("input", { type: "checkbox", onchange: () => Filters.toggle(facet.id, value) });
    const count = Dom.make("span", { class: "n" });
    const row = Dom.make("label", { class: "option" }, input, Dom.make("bdi", { class: "value", text, title }), count);
    rows.push({ facet, value, input, count, row });
    return row;
  }

  function section(facet) {
    const used = facet.values.filter(([value]) => facet.always || facet.counts.get(value));
    if (used.length < 2) return null;
    const list = Dom.make("div", { class: used.length > LONG ? "options long" : "options" }, ...used.map((pair) => option(facet, pair)));
    return Dom.make("fieldset", { class: "facet" }, Dom.make("legend", { text: facet.title }), list);
  }

  function drawHistogram(shown) {
    const bins = Stats.histogram(shown, BINS, 0, 100);
    ChartKit.histogram(chart, { all: allBins, shown: bins, height: 84, small: true, range: Filters.range, onRange: Filters.setRange });
  }

  function build() {
    const range = Dom.make("div", { class: "range" }, low, Dom.make("span", { text: "to", class: "muted" }), high);
    const close = Dom.button("Close the filters", { class: "tool narrow", onclick: () => open(false) }, Dom.icon("close"));
    root.append(
      Dom.make("div", { class: "filters-head" }, Dom.make("h2", { text: "Filter" }), clear, close),
      shelf,
      Dom.make("fieldset", { class: "facet" }, Dom.make("legend", { text: "Score" }), chart, range),
      ...Filters.facets.map(section).filter(Boolean),
    );
    settle();
  }

  function update(scores) {
    for (const { facet, value, input, count, row } of rows) {
      const n = facet.counts.get(value) ?? 0;
      count.textContent = Format.count(n);
      input.checked = facet.chosen.has(value);
      row.classList.toggle("zero", !n && !input.checked);
    }
    showRange(document.activeElement); // nobody's typing is overwritten
    clear.hidden = !Filters.active();
    if (scores) drawHistogram(scores);
  }

  // Narrow windows: the filters lie over the photos.
  function open(wanted) {
    document.body.classList.toggle("filtering", wanted);
    Dom.byId("open-filters").setAttribute("aria-expanded", String(wanted));
    if (wanted) root.querySelector("button.narrow").focus();
    else Dom.byId("open-filters").focus();
  }

  // Narrow windows: what has no room in the top bar moves into the drawer.
  const narrow = matchMedia("(max-width: 820px)");
  const moved = ["grouping-field", "size-field", "boxes", "print", "theme", "help", "load"].map(Dom.byId);
  const home = Dom.byId("export");
  const shelf = Dom.make("div", { class: "view-tools" });
  function settle() {
    if (narrow.matches) shelf.append(...moved);
    else home.before(...moved);
  }

  narrow.addEventListener("change", settle);
  Dom.byId("open-filters").addEventListener("click", () => open(!document.body.classList.contains("filtering")));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !document.body.classList.contains("filtering")) return;
    event.preventDefault(); // it has done enough: the selection stays
    open(false);
  });

  return { build, update, allBins, BINS };
})();
