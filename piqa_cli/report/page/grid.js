"use strict";
// The contact sheet: only the rows near the window have elements.
const Grid = (() => {
  const root = Dom.byId("grid");
  const NEAR = 0.75; // windows above and below that are kept ready
  let layout = { rows: [], columns: 1 };
  let size = "m";
  let waiting = false;
  let looked = false; // at the current photo, before the filters changed
  const live = new Map(); // photo, or row/column of a header -> element

  const top = () => root.getBoundingClientRect().top + scrollY;

  function put(key, node, x, y) {
    Dom.style(node, { transform: `translate(${x}px, ${y}px)` });
    if (!live.has(key)) root.append(node);
    live.set(key, node);
  }

  function header({ label, count, span }) {
    const width = span * (layout.card + layout.gap) - layout.gap;
    return Dom.make("div", { class: "group", role: "presentation", style: { width: `${width}px` } },
      Dom.make("span", { class: "line" }, Dom.make("bdi", { text: label, title: label }), Dom.make("span", { class: "muted", text: Format.plural(count, "photo") })));
  }

  function fill(number, wanted) {
    const row = layout.rows[number];
    const left = (column) => column * (layout.card + layout.gap);
    row.headers.forEach((entry) => {
      const key = `${number}/${entry.column}`;
      wanted.add(key);
      if (!live.has(key)) put(key, header(entry), left(entry.column), row.top);
    });
    row.items.forEach((photo, column) => {
      wanted.add(photo);
      if (live.has(photo)) return;
      const node = Card.make(photo, layout.card, layout.picture);
      Dom.style(node, { width: `${layout.card}px`, height: `${layout.height}px` });
      put(photo, node, left(column), row.top);
    });
  }

  function draw() {
    waiting = false;
    if (!layout.rows.length || root.hidden) return;
    const offset = scrollY - top();
    const first = Layout.rowAt(layout.rows, offset - innerHeight * NEAR);
    const last = Layout.rowAt(layout.rows, offset + innerHeight * (1 + NEAR));
    const wanted = new Set();
    for (let number = first; number <= last; number += 1) fill(number, wanted);
    fill(Layout.rowOf(layout.rows, State.place[State.current]), wanted); // what aria-activedescendant names is always there
    for (const [key, node] of live) {
      if (wanted.has(key)) continue;
      node.remove();
      live.delete(key);
    }
  }

  const later = () => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };

  function rebuild() {
    for (const node of live.values()) node.remove();
    live.clear();
    layout = Layout.arrange(State.sections, root.clientWidth, size);
    Dom.style(root, { height: `${layout.total}px` });
    mark();
    draw();
    if (looked && State.chosen) reveal(); // a first photo in its place was not looked at
    looked = false;
  }

  const mark = () => (State.current < 0 ? root.removeAttribute("aria-activedescendant") : root.setAttribute("aria-activedescendant", `photo-${State.current}`));

  // How much of the window the bars cover.
  const covered = () => [Dom.byId("top").getBoundingClientRect().bottom, Dom.byId("review").getBoundingClientRect().height];

  function inSight(photo) {
    if (!live.has(photo)) return false;
    const [above, below] = covered();
    const { top: from, bottom: to } = live.get(photo).getBoundingClientRect();
    return to > above && from < innerHeight - below;
  }

  function reveal() {
    const index = State.place[State.current];
    if (index < 0 || root.hidden) return;
    const row = layout.rows[Layout.rowOf(layout.rows, index)];
    const [above, below] = covered().map((edge) => edge + 8);
    const [from, to] = [top() + row.top, top() + row.top + row.height];
    if (from < scrollY + above) scrollTo({ top: from - above, behavior: "instant" });
    else if (to > scrollY + innerHeight - below) scrollTo({ top: to - innerHeight + below, behavior: "instant" });
  }

  // Up and down keep the column; headers are stepped over.
  function vertical(by) {
    const index = State.place[State.current] ?? -1;
    if (index < 0) return; // nothing is shown
    const at = Layout.rowOf(layout.rows, index);
    const column = index - layout.rows[at].from;
    let next = at + by;
    while (layout.rows[next] && !layout.rows[next].items.length) next += by;
    const items = layout.rows[next]?.items;
    if (items) State.go(items[Math.min(column, items.length - 1)]);
  }

  const page = () => Math.max(1, Math.floor((innerHeight - 160) / (layout.height + layout.gap)));
  const refresh = (photos) => photos.forEach((photo) => live.has(photo) && Card.update(live.get(photo)));

  root.addEventListener("click", (event) => {
    const node = event.target.closest(".card");
    if (!node) return;
    const again = State.chosen && node.photo === State.current && document.activeElement === root;
    if (event.shiftKey) State.selectTo(node.photo);
    else if (event.ctrlKey || event.metaKey) State.toggle(node.photo);
    else if (again && event.target.closest(".mat") && event.detail < 3) State.emit("open", node.photo);
    State.go(node.photo);
    root.focus({ preventScroll: true });
  });

  State.on("filter", () => { looked ||= State.chosen && inSight(State.current); });
  State.on("view", rebuild);
  State.on("choice", refresh);
  State.on("selection", refresh);
  State.on("current", (before) => {
    mark();
    reveal();
    draw();
    refresh([before, State.current]);
  });
  addEventListener("scroll", later, { passive: true });
  let known = 0;
  new ResizeObserver(() => {
    if (root.hidden || root.clientWidth === known) return later();
    known = root.clientWidth;
    return rebuild();
  }).observe(root);

  return { vertical, page, reveal, rebuild, focus: () => root.focus({ preventScroll: true }),
    resize: (name) => { size = name; rebuild(); reveal(); } };
})();
