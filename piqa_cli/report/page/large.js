"use strict";
const Large = (() => {
  const dialog = Dom.byId("large");
  const frame = Dom.make("div", { class: "large-frame" });
  const panel = Dom.make("div", { class: "panel", tabindex: 0, role: "region", "aria-label": "Details of the photo" });
  const note = Dom.make("span", { class: "muted note" });
  const percent = Dom.make("span", { class: "muted percent" });
  const place = Dom.make("span", { class: "muted place" });
  const face = Dom.button("Face", { title: "Zoom to the face (F)", onclick: () => toFace() }, Dom.icon("face"));
  const marks = Marks.buttons(() => [State.current]);
  const link = Dom.make("a", { class: "tool", target: "_blank", rel: "noopener noreferrer", text: "Original" });
  let zoom = null;
  let pane = null;

  const isOpen = () => dialog.open;
  const close = () => dialog.close();

  function build() {
    const turn = (label, key, icon, by) => Dom.button(label, { title: `${label} (${key})`, onclick: () => State.step(by) }, Dom.icon(icon));
    dialog.append(
      Dom.make("div", { class: "full-head" }, turn("Previous", "←", "left", -1), turn("Next", "→", "right", 1), place, marks.node,
        Dom.make("span", { class: "zoom-tools" },
          Dom.button("Fit / 100 %", { title: "Whole photo / 100 % (Z)", onclick: () => zoom.toggle(pane) }, "Fit / 100 %"), face, percent),
        note, link, Dom.button("Close", { title: "Close (Esc)", class: "tool last", onclick: close }, Dom.icon("close"))),
      Dom.make("div", { class: "large-body" }, frame, panel));
    dialog.addEventListener("close", () => {
      zoom?.stop();
      zoom = null; // the next one is opened whole
      frame.replaceChildren();
      Grid.rebuild();
      Grid.reveal();
      Grid.focus();
    });
  }

  function toFace() {
    if (pane.face) zoom.align(!zoom.view.aligned);
  }

  function preload() {
    const next = State.order[State.place[State.current] + 1];
    const source = next === undefined ? null : Photos.original(next);
    if (source) new Image().src = source;
  }

  // Why the photo itself is not to be seen.
  function missing(photo) {
    const unread = Photos.get(photo, "status") === "error" ? Photos.get(photo, "reason") : null;
    const why = unread ?? (Photos.get(photo, "viewable") === false ? "Browsers cannot show this format" : "Original not found");
    return Photos.thumb(photo) ? `${why}: preview shown` : why;
  }

  // The next photo is looked at as this one was: as near, at the same part of it, or at its face.
  function keep(before) {
    if (!before || (before.aligned && !pane.face)) return;
    Object.assign(zoom.view, before);
    zoom.draw();
  }

  function show() {
    const photo = State.current;
    const before = zoom?.view;
    zoom?.stop();
    note.textContent = "";
    pane = Zoom.pane(photo, {
      onLoad: (source) => {
        if (photo !== State.current) return;
        Details.show(panel, photo, source);
        preload();
      },
      onMissing: () => {
        if (photo === State.current) note.textContent = missing(photo);
      },
    });
    frame.replaceChildren(pane.node);
    frame.setAttribute("aria-label", Photos.name(photo));
    zoom = Zoom.group([pane], ([shown]) => { percent.textContent = shown; });
    keep(before);
    Details.show(panel, photo);
    panel.scrollTop = 0;
    marks.update(photo);
    face.disabled = !pane.face;
    const at = State.place[photo];
    const total = Dom.make("span", { text: ` of ${Format.count(State.order.length)}` }); // phones have no room for it
    place.replaceChildren(...(at < 0 ? [] : [Format.count(at + 1), total]));
    const source = Photos.original(photo);
    link.hidden = !source;
    if (source) link.href = source;
    Dom.announce([Photos.name(photo), Format.score(Photos.score(photo)), place.textContent].filter(Boolean).join(", "));
  }

  function open(photo) {
    if (photo < 0 || isOpen()) return;
    State.go(photo);
    if (!dialog.childNodes.length) build();
    dialog.showModal();
    show();
    frame.focus();
  }

  function key(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, " ": 1 };
    const pans = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    if (event.shiftKey && pans[event.key]) zoom.pan(pane, ...pans[event.key]);
    else if (panel.contains(document.activeElement) && ["ArrowUp", "ArrowDown", " "].includes(event.key)) return false;
    else if (moves[event.key] && event.target.tagName !== "BUTTON") State.step(moves[event.key]);
    else if (moves[event.key] && event.key !== " ") State.step(moves[event.key]);
    else if (event.key === "z" || event.key === "Z") zoom.toggle(pane);
    else if (event.key === "f" || event.key === "F") toFace();
    else if (event.key === "+" || event.key === "=") zoom.step(pane, false);
    else if (event.key === "-") zoom.step(pane, true);
    else return false;
    return true;
  }

  Object.assign(frame, { tabIndex: 0 });
  frame.setAttribute("role", "img");
  State.on("open", open);
  State.on("current", () => isOpen() && show());
  State.on("choice", (photos) => isOpen() && photos.includes(State.current) && marks.update(State.current));

  return { open, close, isOpen, key };
})();
