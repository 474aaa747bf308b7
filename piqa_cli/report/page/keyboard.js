"use strict";
const Keyboard = (() => {
  const dialog = Dom.byId("help-dialog");
  const KEYS = [
    ["← → ↑ ↓", "move; Home, End, Page Up, Page Down"], ["1 – 5", "stars; 0 takes yours away"], ["P", "pick"], ["X", "reject"], ["U", "remove the mark: stars and flag"],
    ["Ctrl+Z", "undo; Ctrl+Shift+Z do again"], ["Enter", "large view; Esc closes"], ["S or Space", "select for the comparison"], ["C", "compare the selection, or the burst"],
    ["Z", "whole photo / 100 %"], ["+ −", "zoom; Shift and arrows pan"], ["F", "zoom to the face / align on faces"], ["B", "face boxes on and off"], ["/", "search"], ["?", "this list"],
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
    s: () => State.toggle(State.current), c: () => Compare.open(), "/": () => Dom.byId("text").focus(),
    escape: () => State.selected.length && State.select([]),
  };

  function sheetKey(event) {
    const inSheet = event.target === document.body || event.target.id === "grid";
    const charts = Dom.byId("grid").hidden;
    if (inSheet && !charts && MOVES[event.key]) MOVES[event.key]();
    else if (ACTIONS[event.key.toLowerCase()] && !charts) ACTIONS[event.key.toLowerCase()]();
    else return false;
    return true;
  }

  const typing = (target) => target.matches?.("input:not([type=checkbox]), select, textarea");

  function handle(event) {
    if (event.altKey || event.defaultPrevented || typing(event.target) || document.querySelector("dialog.small[open]")) return false;
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== "z") return false;
      Marks.undo(event.shiftKey);
      return true;
    }
    if (!single && event.key.length === 1 && event.key !== " ") return false;
    const view = Large.isOpen() ? Large : Compare.isOpen() ? Compare : null;
    if (view && view.key(event)) return true;
    if (!view && sheetKey(event)) return true;
    if (event.key === "?") help();
    else if (event.key.toLowerCase() === "b") boxes();
    else if (!view && Dom.byId("grid").hidden) return false; // the charts: no photo is in sight
    else return mark(event.key.toLowerCase());
    return true;
  }

  addEventListener("keydown", (event) => {
    if (handle(event)) event.preventDefault();
  });

  return { help, boxes };
})();
