"use strict";
// Elements are made from text and attributes only; nothing here or elsewhere parses HTML.
const Dom = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  const byId = (id) => document.getElementById(id);

  function set(node, name, value) {
    if (value === null || value === undefined || value === false) return;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else if (name === "class") node.setAttribute("class", value);
    else if (name === "style") for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
    else node.setAttribute(name, value === true ? "" : value);
  }

  function make(tag, props, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props ?? {})) set(node, name, value);
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  function svg(tag, props, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(props ?? {})) set(node, name, value);
    node.append(...children);
    return node;
  }

  const LONG = 20; // characters; shorter names fit, or nearly
  const END = 12; // characters of a long one that are always shown

  // A name, to be cut in its middle where there is no room: files of one shoot differ in the number at their end.
  function photoName(text, props) {
    const letters = [...text];
    if (letters.length <= LONG) return make("bdi", { class: "name", ...props, text });
    const part = (name, ...range) => make("span", { class: name, text: letters.slice(...range).join("") });
    return make("bdi", { class: "name", ...props }, part("start", 0, -END), part("end", -END));
  }

  const icon = (name) => svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));

  function button(label, props, ...children) {
    const shown = children.length ? children : [label];
    const named = children.length ? { "aria-label": label, title: props?.title ?? label } : {};
    return make("button", { type: "button", class: "tool", ...named, ...props }, ...shown);
  }

  // Styles go through the object model: the content security policy allows no style attribute in markup.
  function style(node, styles) {
    for (const [key, value] of Object.entries(styles)) node.style.setProperty(key, value);
  }

  function announce(text) {
    byId("live").textContent = text;
  }

  return { byId, make, photoName, svg, icon, button, style, announce };
})();
