"use strict";
// Runs in the head, before anything is painted: the theme that was chosen last time.
const Theme = (() => {
  const KEY = "piqa-report:theme";
  const NAMES = ["auto", "light", "dark"];

  function stored() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off for files from disk
    }
  }

  let name = NAMES.includes(stored()) ? stored() : "auto";

  function apply() {
    document.documentElement.dataset.theme = name;
  }

  function next() {
    name = NAMES[(NAMES.indexOf(name) + 1) % NAMES.length];
    try {
      localStorage.setItem(KEY, name);
    } catch {
      // It holds until the page is closed.
    }
    apply();
    return name;
  }

  apply();
  return { next, get name() { return name; } };
})();
