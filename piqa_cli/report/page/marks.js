"use strict";
// Giving stars and flags: the buttons, and what the keys do.
const Marks = (() => {
  const settings = { advance: false };

  // A mark meets the whole selection when the current photo is part of it; nothing that the filters hide.
  function targets() {
    if (Large.isOpen() || Compare.isOpen() || !State.selected.includes(State.current)) return [State.current];
    return State.selected.filter((photo) => State.place[photo] >= 0);
  }

  const DONE = { pick: "Picked", reject: "Rejected", unmark: "Mark removed", 0: "Stars removed" };

  // No stars are no mark: a plan with 0 stars would overwrite the photo's rating.
  function patch(action) {
    if (action === "unmark") return { stars: undefined, decision: undefined };
    return typeof action === "number" ? { stars: action || undefined } : { decision: action };
  }

  function act(action, photos = targets()) {
    if (!photos.length || photos[0] < 0) return;
    Choices.change(photos, patch(action));
    const words = DONE[action] ?? Format.stars(action);
    Dom.announce(`${words}: ${photos.length > 1 ? Format.plural(photos.length, "photo") : Photos.name(photos[0])}`);
    if (settings.advance && photos.length === 1 && !Compare.isOpen()) State.step(1);
  }

  function undo(redo) {
    const photos = redo ? Choices.redo() : Choices.undo();
    Dom.announce(photos.length ? (redo ? "Done again" : "Undone") : "Nothing to undo");
    if (photos.length && State.place[photos[0]] >= 0 && !Compare.isOpen()) State.go(photos[0]);
  }

  // Buttons for one photo; `photosOf` says which when one is pressed.
  function buttons(photosOf) {
    const star = (n) => Dom.button(Format.stars(n), { class: "tool star", title: `${Format.stars(n)} (${n})`, onclick: () => act(n, photosOf()) }, Dom.icon("star"));
    const stars = [1, 2, 3, 4, 5].map(star);
    const flag = (action, label, key) => Dom.button(label, { class: `tool ${action}`, title: `${label} (${key})`, onclick: () => act(action, photosOf()) }, Dom.icon(action));
    const [pick, reject, unmark] = [flag("pick", "Pick", "P"), flag("reject", "Reject", "X"), flag("unmark", "Remove the mark", "U")];
    const node = Dom.make("div", { class: "marks", role: "group", "aria-label": "Marks" },
      Dom.make("span", { class: "star-buttons", role: "group", "aria-label": "Stars" }, ...stars),
      Dom.make("span", { class: "flag-buttons" }, pick, reject, unmark));

    function update(photo) {
      const own = Choices.ownStars(photo);
      const shown = own ?? Photos.suggested(photo) ?? 0;
      stars.forEach((button, k) => {
        button.classList.toggle("on", k < shown);
        button.setAttribute("aria-pressed", String(own === k + 1));
      });
      node.classList.toggle("suggested", own === null);
      pick.setAttribute("aria-pressed", String(Choices.decision(photo) === "pick"));
      reject.setAttribute("aria-pressed", String(Choices.decision(photo) === "reject"));
    }

    return { node, update };
  }

  function reviewBar() {
    const root = Dom.byId("review");
    const name = Dom.make("div");
    const at = Dom.make("span", { class: "muted at" });
    const tally = Dom.make("span", { class: "muted tally" });
    const marks = buttons(targets);
    const undone = Dom.button("Undo", { title: "Undo (Ctrl+Z)", onclick: () => undo(false) }, Dom.icon("undo"));
    const select = Dom.button("Select for the comparison", { title: "Select (S)", onclick: () => State.toggle(State.current) }, Dom.icon("select"));
    const number = Dom.make("span", { class: "n" });
    const compare = Dom.button("Compare", { title: "Compare (C)", onclick: () => Compare.open() }, Dom.icon("compare"), number);
    const large = Dom.button("Large view", { title: "Large view (Enter)", onclick: () => Large.open(State.current) }, Dom.icon("large"));
    const advance = Dom.make("label", { class: "advance" }, Dom.make("input", { type: "checkbox", onchange: (e) => { settings.advance = e.target.checked; } }), "Next after a mark");
    root.append(Dom.make("div", { class: "who" }, name, at), marks.node, Dom.make("div", { class: "marks" }, undone, select, compare, large), advance, tally);

    function update() {
      const { current } = State;
      const all = Choices.all();
      const of = (decision) => all.filter((i) => Choices.decision(i) === decision).length;
      tally.textContent = `${Format.count(of("pick"))} picked · ${Format.count(of("reject"))} rejected · ${Format.plural(State.order.length, "photo")} shown`;
      root.classList.toggle("idle", current < 0);
      if (current < 0) return;
      name.replaceChildren(Dom.photoName(Photos.name(current)));
      at.textContent = State.place[current] < 0 ? "" : `${Format.count(State.place[current] + 1)} of ${Format.count(State.order.length)}`;
      marks.update(current);
      select.setAttribute("aria-pressed", String(State.selected.includes(current)));
      number.textContent = State.selected.length ? String(State.selected.length) : "";
      undone.disabled = !Choices.canUndo();
    }

    for (const event of ["view", "current", "choice", "selection"]) State.on(event, update);
  }

  return { act, undo, buttons, reviewBar };
})();
