"use strict";
const Format = (() => {
  const COUNT = new Intl.NumberFormat("en");
  const SPECIAL_MAX = 0.4; // seconds; longer exposures are written as decimals

  // As `records.score_text` does: from two decimals, a 5 goes up.
  const score = (value) => (value === null ? "–" : (Math.floor((Math.round(value * 100) + 5) / 10) / 10).toFixed(1));
  const count = (value) => COUNT.format(value);
  const share = (value) => `${value > 0 && value < 0.095 ? (value * 100).toFixed(1) : Math.round(value * 100)} %`;
  const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : (many ?? `${one}s`)}`;

  function shutter(seconds) {
    if (seconds === null || seconds <= 0) return null;
    return seconds < SPECIAL_MAX ? `1/${Math.round(1 / seconds)} s` : `${Number(seconds.toFixed(1))} s`;
  }

  function bytes(value) {
    if (value === null) return null;
    if (value < 1e6) return `${Math.max(1, Math.round(value / 1e3))} kB`;
    return `${(value / 1e6).toFixed(1)} MB`;
  }

  // The camera's own clock: the offset in the text must not move it to the viewer's time zone.
  function moment(text) {
    const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?/.exec(text ?? "");
    return match ? `${match[1]} ${match[2]}${match[3] ?? ""}` : text;
  }

  function hour(text) {
    const match = /T(\d\d):(\d\d)/.exec(text ?? "");
    return match ? Number(match[1]) + Number(match[2]) / 60 : null;
  }

  const stars = (n) => (n === null ? "no stars" : plural(n, "star"));

  return { score, count, share, plural, shutter, bytes, moment, hour, stars };
})();
