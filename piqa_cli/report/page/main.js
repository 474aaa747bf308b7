"use strict";
// Wires the parts together and shows the first view.
const Main = (() => {
  const { byId } = Dom;
  let waiting = false;

  function refresh() {
    waiting = false;
    const { visible, scores } = Filters.run();
    State.show(Order.sections(visible));
    Sidebar.update(scores);
    byId("empty").hidden = visible.length > 0 || !byId("charts").hidden;
    byId("empty-text").textContent = Photos.count ? "No photo passes these filters." : "There are no photos in this report.";
    byId("clear-empty").hidden = !Photos.count;
    byId("summary").textContent = `${Format.plural(visible.length, "photo")}${visible.length < Photos.count ? ` of ${Format.count(Photos.count)}` : ""}${Photos.data.model ? ` · ${Photos.data.model}` : ""}`;
    if (!byId("charts").hidden) ChartPage.render();
  }

  // Several changes in a row (typing, dragging) lead to one pass.
  function later() {
    if (!waiting) requestAnimationFrame(refresh);
    waiting = true;
  }

  function view(charts) {
    byId("charts").hidden = !charts;
    byId("grid").hidden = charts;
    byId("tab-photos").setAttribute("aria-pressed", String(!charts));
    byId("tab-charts").setAttribute("aria-pressed", String(charts));
    document.body.classList.toggle("charting", charts);
    scrollTo({ top: 0, behavior: "instant" });
    byId("empty").hidden = charts || State.order.length > 0;
    if (charts) ChartPage.render();
    else Grid.rebuild();
  }

  function options(select, pairs, chosen) {
    select.replaceChildren(...pairs.map(([value, text]) => Dom.make("option", { value, text, selected: value === chosen })));
  }

  // What was chosen with the mouse is done with: the arrows lead through the photos again.
  function handBack(select) {
    let pointed = false;
    select.addEventListener("pointerdown", () => { pointed = true; });
    select.addEventListener("keydown", () => { pointed = false; });
    select.addEventListener("change", () => pointed && select.blur());
  }

  function showDirection() {
    byId("direction").classList.toggle("up", !Order.current.down);
    byId("direction").setAttribute("aria-label", Order.current.down ? "Highest first" : "Lowest first");
  }

  function tools() {
    options(byId("sort"), Order.offered().map(({ id, title }) => [id, title]), Order.current.sort);
    options(byId("grouping"), Order.groupings(), Order.current.grouping);
    byId("grouping-field").hidden = Order.groupings().length < 2;
    byId("sort").addEventListener("change", (event) => { Order.use(event.target.value); showDirection(); later(); });
    byId("direction").addEventListener("click", () => { Order.current.down = !Order.current.down; showDirection(); later(); });
    byId("grouping").addEventListener("change", (event) => { Order.current.grouping = event.target.value; later(); });
    byId("size").addEventListener("change", (event) => Grid.resize(event.target.value));
    ["sort", "grouping", "size"].map(byId).forEach(handBack);
    byId("text").addEventListener("input", (event) => Filters.setText(event.target.value));
    byId("text").addEventListener("keydown", ({ key, isComposing }) => key === "Enter" && !isComposing && Grid.focus());
    byId("tab-photos").addEventListener("click", () => view(false));
    byId("tab-charts").addEventListener("click", () => view(true));
    byId("boxes").addEventListener("click", Keyboard.boxes);
    byId("help").addEventListener("click", Keyboard.help);
    byId("load").addEventListener("click", Loading.open);
    byId("export").addEventListener("click", Exporting.open);
    byId("clear-empty").addEventListener("click", Filters.clear);
    byId("theme").addEventListener("click", () => { nameTheme(Theme.next()); State.emit("theme"); });
    showDirection();
    nameTheme(Theme.name);
  }

  function nameTheme(name) {
    const words = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" }[name];
    byId("theme").setAttribute("aria-label", words);
    byId("theme").title = words;
  }

  function notice(text) {
    byId("notice").textContent = text;
    byId("notice").hidden = false;
  }

  function start() {
    State.on("filter", later);
    State.on("cleared", () => { byId("text").value = ""; });
    State.on("unsaved", () => notice("This browser keeps nothing for pages from disk: export your marks before you close the page."));
    State.on("choice", () => { Filters.run(); Sidebar.update(null); });
    tools();
    if (Choices.inherited) notice(`Marks of ${Format.plural(Choices.inherited, "photo")} are from another report with ${Choices.inherited === 1 ? "it" : "them"}. Undo takes them away here.`);
    Marks.reviewBar();
    Filters.run();
    Sidebar.build();
    refresh();
    document.body.classList.add("ready");
  }

  if (Photos.data) start();
  else notice("The data of this report is missing: keep the folder that was written beside this file next to it.");
})();
