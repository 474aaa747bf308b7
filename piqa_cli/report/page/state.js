"use strict";
// What the views share: the photos shown, the current one, those selected; and who wants to hear of changes.
const State = (() => {
  const listeners = new Map();

  function on(event, listener) {
    if (!listeners.has(event)) listeners.set(event, []);
    listeners.get(event).push(listener);
  }

  function emit(event, detail) {
    for (const listener of listeners.get(event) ?? []) listener(detail);
  }

  const state = {
    sections: [], // [{ label, items }] as shown
    order: [], // the items of all sections, in order
    place: new Int32Array(Photos.count).fill(-1), // photo -> index in order
    current: -1,
    chosen: false, // somebody went to the current photo; else it is the first one
    selected: [], // for the comparison, in the order of selection
    boxes: true,
    on,
    emit,
  };

  state.show = (sections) => {
    state.sections = sections;
    state.order = sections.flatMap((section) => section.items);
    state.place.fill(-1);
    state.order.forEach((photo, index) => { state.place[photo] = index; });
    if (state.place[state.current] === undefined || state.place[state.current] < 0) {
      state.current = state.order[0] ?? -1;
      state.chosen = false;
    }
    emit("view");
  };

  state.go = (photo) => {
    if (photo === undefined || photo < 0) return;
    state.chosen = true;
    if (photo === state.current) return;
    const before = state.current;
    state.current = photo;
    emit("current", before);
  };

  state.step = (by) => {
    const index = state.place[state.current] + by;
    if (index >= 0 && index < state.order.length) state.go(state.order[index]);
  };

  state.select = (photos) => {
    const before = state.selected;
    state.selected = [...new Set(photos)];
    emit("selection", [...before, ...state.selected]);
  };

  state.toggle = (photo) => {
    if (photo < 0) return; // nothing is shown
    const there = state.selected.includes(photo);
    state.select(there ? state.selected.filter((other) => other !== photo) : [...state.selected, photo]);
  };

  // Everything shown between the current photo and another one, both included, joins the selection.
  state.selectTo = (photo) => {
    const [from, to] = [state.place[state.current], state.place[photo]].sort((a, b) => a - b);
    state.select([...state.selected, ...state.order.slice(from, to + 1)]);
  };

  return state;
})();
