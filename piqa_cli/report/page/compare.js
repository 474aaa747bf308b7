"use strict";
// Two to four photos side by side, zoomed and panned as one.
const Compare = (() => {
  const MOST = 4;
  const dialog = Dom.byId("compare");
  const area = Dom.make("div", { class: "panes" });
  const title = Dom.make("h2");
  const percent = Dom.make("span", { class: "muted percent" });
  const align = Dom.button("Align on faces", { title: "Align on faces (F)", "aria-pressed": "false", onclick: () => aligned() }, Dom.icon("face"), Dom.make("span", { text: "Align on faces" }));
  let shown = []; // { photo, pane, node, marks }
  let zoom = null;

  const isOpen = () => dialog.open;
  const close = () => dialog.close();
  const active = () => shown.find(({ photo }) => photo === State.current) ?? shown[0];

  const inBurst = (photo) => !["folder", "day", undefined].includes(Photos.group(photo)?.kind);
  const burstOf = (photo) => (inBurst(photo) ? Photos.members(photo).filter((member) => State.place[member] >= 0) : []);

  // The selection; else what the filters show of the current photo's burst, best first; else this photo and the next.
  function candidates() {
    if (State.selected.length >= 2) return State.selected.slice(0, MOST);
    const { current } = State;
    const burst = Order.sorted(burstOf(current));
    const others = burst.length >= 2 ? burst : State.order.slice(State.place[current] + 1).concat(State.order[State.place[current] - 1] ?? []);
    return [...new Set([...State.selected, current, ...others])].slice(0, burst.length >= 2 ? MOST : 2);
  }

  function facts(photo) {
    const face = Photos.get(photo, "face_score");
    const eyes = Photos.get(photo, "eyes");
    const remark = Card.remark(photo) || "";
    const told = eyes && eyes !== "unknown" && !remark.includes(`eyes ${eyes}`) ? `eyes ${eyes}` : null;
    return [face === null ? null : `face ${Format.score(face)}`, told, remark].filter(Boolean).join(" · ");
  }

  function cell(photo) {
    const pane = Zoom.pane(photo);
    const marks = Marks.buttons(() => [photo]);
    const best = Card.isBest(photo) ? Dom.make("span", { class: "best", text: "Best" }) : null;
    const drop = Dom.button("Take out of the comparison", { class: "tool drop", onclick: () => remove(photo) }, Dom.icon("close"));
    const foot = Dom.make("div", { class: "pane-foot" },
      Dom.make("div", { class: "line" }, Dom.make("b", { class: "score", text: Format.score(Photos.score(photo)) }), best, Dom.photoName(Photos.name(photo))),
      Dom.make("p", { class: Card.remarkClass(photo), text: facts(photo) }), marks.node);
    const node = Dom.make("section", { class: "pane", tabindex: 0, "aria-label": Photos.name(photo), role: "group", onfocusin: () => State.go(photo), onpointerdown: () => State.go(photo) }, pane.node, drop, foot);
    marks.update(photo);
    return { photo, pane, node, marks };
  }

  function build() {
    const step = (label, key, out) => Dom.button(label, { title: `${label} (${key})`, onclick: () => zoom.step(active().pane, out) }, key);
    dialog.append(
      Dom.make("div", { class: "full-head" }, title,
        Dom.make("span", { class: "zoom-tools" }, step("Zoom out", "−", true), step("Zoom in", "+", false),
          Dom.button("Fit / 100 %", { title: "Whole photos / 100 % (Z)", onclick: () => zoom.toggle(active().pane) }, "Fit / 100 %"), align, percent),
        Dom.button("Close", { title: "Close (Esc)", class: "tool last", onclick: close }, Dom.icon("close"))),
      area);
    dialog.addEventListener("close", () => {
      zoom?.stop();
      area.replaceChildren();
      shown = [];
      if (State.place[State.current] < 0) State.go(State.order[0]); // the filters hide what was compared
      Grid.rebuild();
      Grid.reveal();
      Grid.focus();
    });
  }

  // Says of how many the photos are, where there are more of them than fit.
  function heading(photos) {
    const { length } = State.selected;
    if (length > photos.length) return `${photos.length} of ${length} selected photos side by side`;
    const burst = length ? [] : burstOf(photos[0]);
    const more = burst.length > photos.length && photos.every((photo) => burst.includes(photo));
    return more ? `${photos.length} of ${burst.length} photos of ${Photos.group(photos[0]).label}` : `${Format.plural(photos.length, "photo")} side by side`;
  }

  function fill(photos) {
    zoom?.stop();
    shown = photos.map(cell);
    area.replaceChildren(...shown.map(({ node }) => node));
    area.dataset.count = String(photos.length);
    title.textContent = heading(photos);
    zoom = Zoom.group(shown.map(({ pane }) => pane), (scales, isAligned) => {
      percent.textContent = scales.map((scale) => scale || "–").join(" · ");
      align.setAttribute("aria-pressed", String(isAligned));
    });
    zoom.draw();
    highlight();
  }

  function highlight() {
    for (const { photo, node } of shown) {
      node.classList.toggle("current", photo === State.current);
      node.classList.toggle("picked", Choices.decision(photo) === "pick");
      node.classList.toggle("rejected", Choices.decision(photo) === "reject");
    }
  }

  function remove(photo) {
    const rest = shown.map((entry) => entry.photo).filter((other) => other !== photo);
    State.select(State.selected.filter((other) => other !== photo));
    if (rest.length < 2) return close();
    State.go(rest[0]);
    return fill(rest);
  }

  function aligned() {
    zoom.align(!zoom.view.aligned);
  }

  function open() {
    const photos = candidates();
    if (photos.length < 2 || isOpen()) return;
    if (!dialog.childNodes.length) build();
    if (!photos.includes(State.current)) State.go(photos[0]);
    dialog.showModal();
    fill(photos);
    Dom.announce(title.textContent);
    active().node.focus();
  }

  function step(by) {
    const next = shown[shown.indexOf(active()) + by];
    if (next) next.node.focus();
  }

  function key(event) {
    const pans = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    if (event.shiftKey && pans[event.key]) zoom.pan(active().pane, ...pans[event.key]);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(event.key === "ArrowLeft" ? -1 : 1);
    else if (event.key === "z" || event.key === "Z") zoom.toggle(active().pane);
    else if (event.key === "f" || event.key === "F") aligned();
    else if (event.key === "+" || event.key === "=") zoom.step(active().pane, false);
    else if (event.key === "-") zoom.step(active().pane, true);
    else if (event.key === "c" || event.key === "C") close();
    else return false;
    return true;
  }

  State.on("current", () => isOpen() && highlight());
  State.on("choice", () => {
    if (!isOpen()) return;
    highlight();
    for (const { photo, marks } of shown) marks.update(photo);
  });

  return { open, close, isOpen, key };
})();
