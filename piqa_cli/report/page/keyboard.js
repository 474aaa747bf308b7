"use strict";
const Keyboard = (() => {
  const dialog = Dom.byId("help-dialog");
  const KEYS = [
    ["← → ↑ ↓", "move; Home, End, Page Up, Page Down"], ["1 – 5", "stars; 0 takes yours away"], ["P", "pick"], ["X", "reject"], ["U", "remove the mark: stars and flag"],
    ["Ctrl+Z", "undo; Ctrl+Shift+Z do again"], ["Enter", "large view; Esc closes"], ["S or Space", "select, for marks and the comparison; or Ctrl and click, Shift and click up to there"], ["C", "compare the selection, or what is shown of the burst"],
    ["Z", "whole photo / 100 %"], ["+ −", "zoom; Shift and arrows pan"], ["F", "zoom to the face / align on faces"], ["B", "face boxes on and off"], ["/", "search; Enter leads back to the photos"], ["?", "this list"],
  ];
  let single = true; // keys without Ctrl: some people's tools send them by accident

  function help() {
    if (!dialog.childNodes.length) {
      const off = Dom.make("input", { type: "checkbox", checked: true, onchange: (event) => { single = event.target.checked; } });
      dialog.append(Dom.make("h2", { text: "Keyboard" }), Dom.make("dl", { class: "keys" }, ...KEYS.flatMap(([key, text]) => [Dom.make("dt", null, Dom.make("kbd", { text: key })), Dom.make("dd", { text })])),
        Dom.make("label", { class: "row" }, off, "Single keys give marks and open views"), Dom.make("div", { class: "row buttons" }, Dom.button("Close", { onclick: () => dialog.close() })));
    }
    dialog.showModal();
  }

  function boxes() {
    State.boxes = !State.boxes;
    document.body.classList.toggle("no-boxes", !State.boxes);
    Dom.byId("boxes").setAttribute("aria-pressed", String(State.boxes));
  }

  // Keyboards of other scripts write no Latin letters, some have digits of their own, and French ones write digits with
  // Shift only: there the place of the key counts.
  function keyOf({ key, code, shiftKey }) {
    const foreign = /^[\p{L}\p{Nd}]$/u.test(key) && !/[\d\p{Script=Latin}]/u.test(key);
    const shifted = !shiftKey && /^Digit[0-5]$/.test(code) && /^[^\d+=/?-]$/u.test(key);
    return shifted || (foreign && /^(Key|Digit)\w$/.test(code)) ? code.at(-1).toLowerCase() : key;
  }

  const MARKS = { p: "pick", x: "reject", u: "unmark" };

  function mark(key) {
    if (/^[0-5]$/.test(key)) Marks.act(Number(key));
    else if (MARKS[key]) Marks.act(MARKS[key]);
    else return false;
    return true;
  }

  const MOVES = {
    ArrowLeft: () => State.step(-1), ArrowRight: () => State.step(1), ArrowUp: () => Grid.vertical(-1), ArrowDown: () => Grid.vertical(1),
    Home: () => State.go(State.order[0]), End: () => State.go(State.order.at(-1)),
    PageUp: () => repeat(() => Grid.vertical(-1)), PageDown: () => repeat(() => Grid.vertical(1)),
    Enter: () => Large.open(State.current), " ": () => State.toggle(State.current),
  };

  function repeat(move) {
    for (let k = Grid.page(); k > 0; k -= 1) move();
  }

  const ACTIONS = {
    s: () => State.toggle(State.current), c: () => Compare.open(),
    escape: () => State.selected.length && State.select([]),
  };

  // A button or box that was clicked keeps the focus and has no use for arrows: they lead on from the current photo.
  function leads(key, target) {
    const lent = target.matches?.("button, input[type=checkbox]") && !document.body.classList.contains("filtering");
    return lent && /^(Arrow|Page|Home$|End$)/.test(key);
  }

  function sheetKey({ key, target }) {
    const inSheet = target === document.body || target.id === "grid";
    const charts = Dom.byId("grid").hidden;
    if (key === "/") Dom.byId("text").focus();
    else if (!charts && MOVES[key] && (inSheet || leads(key, target))) {
      MOVES[key]();
      Grid.focus();
    }
    else if (ACTIONS[key.toLowerCase()] && !charts) ACTIONS[key.toLowerCase()]();
    else return false;
    return true;
  }

  const typing = (target) => target.matches?.("input:not([type=checkbox]), select, textarea");

  function handle(event) {
    if (event.altKey || event.defaultPrevented || typing(event.target) || document.querySelector("dialog.small[open]")) return false;
    const { shiftKey, target } = event;
    const key = keyOf(event);
    if (event.ctrlKey || event.metaKey) {
      if (key.toLowerCase() !== "z") return false;
      Marks.undo(shiftKey);
      return true;
    }
    if (!single && key.length === 1 && key !== " ") return false;
    const view = Large.isOpen() ? Large : Compare.isOpen() ? Compare : null;
    if (view && view.key({ key, shiftKey, target })) return true;
    if (!view && sheetKey({ key, target })) return true;
    if (key === "?") help();
    else if (key.toLowerCase() === "b") boxes();
    else if (!view && Dom.byId("grid").hidden) return false; // the charts: no photo is in sight
    else return mark(key.toLowerCase());
    return true;
  }

  addEventListener("keydown", (event) => {
    if (handle(event)) event.preventDefault();
  });

  return { help, boxes };
})();
