"use strict";
// Sorting and grouping of the photos that pass the filters.
const Order = (() => {
  const DIGITS = 16; // of a number in a name; a time in milliseconds has 13
  const number = (column) => (i) => Photos.get(i, column);
  // As `piqa rank` does, and as cameras count: IMG_9 before IMG_10.
  const name = (i) => Photos.name(i).normalize("NFC").toLowerCase().replace(/\d+/g, (digits) => digits.padStart(DIGITS, "0"));
  const SORTS = [
    { id: "score", title: "Score", of: number("score"), down: true },
    { id: "face_score", title: "Face score", of: number("face_score"), down: true },
    { id: "worst_face_score", title: "Worst face", of: number("worst_face_score"), down: true },
    { id: "stars", title: "Stars", of: (i) => Choices.stars(i), down: true, always: true },
    { id: "name", title: "Name", of: name, down: false, always: true },
    { id: "captured_at", title: "Capture time", of: number("captured_at"), down: false },
    { id: "eyes_open", title: "Eyes open", of: number("eyes_open"), down: true },
    { id: "iso", title: "ISO", of: number("iso"), down: true },
    { id: "file_size", title: "File size", of: number("file_size"), down: true },
    ...Photos.defects.map((d) => ({ id: d, title: `Most ${Photos.words(d)}`, of: (i) => Photos.severity(i, d), down: true, defect: d })),
  ];

  const offered = () => SORTS.filter((s) => s.always || Photos.has(s.defect ? `photo_${s.defect}` : s.id));
  const kinds = new Set(Photos.data?.groups?.map((group) => group.kind).filter((kind) => kind !== "folder"));
  const groupWord = kinds.size === 1 && kinds.has("burst") ? "Bursts" : "Groups";

  function groupings() {
    const folders = new Set(Array.from({ length: Photos.count }, (_, i) => Photos.get(i, "folder"))).size > 1;
    return [...(kinds.size ? [["group", groupWord]] : []), ...(folders ? [["folder", "Folders"]] : []), ["none", "None"]];
  }

  const current = { sort: null, down: true, grouping: groupings()[0]?.[0] ?? "none" };
  use(Photos.has("score") ? "score" : "name"); // where no photo could be read

  // Photos that lack the value come last in both directions; ties go by the table's order.
  function sorted(photos) {
    const { of } = SORTS.find((s) => s.id === current.sort);
    const sign = current.down ? -1 : 1;
    const keyed = photos.map((photo) => ({ photo, key: of(photo) }));
    keyed.sort((a, b) => {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.photo - b.photo;
      return a.key === b.key ? a.photo - b.photo : (a.key < b.key ? -sign : sign);
    });
    return keyed.map(({ photo }) => photo);
  }

  // [key, label] of the section that a photo belongs to; null: it stands alone.
  function sectionOf(photo) {
    if (current.grouping === "folder") return [Photos.get(photo, "folder"), Photos.folder(Photos.get(photo, "folder") ?? ".")];
    const group = Photos.group(photo);
    return group && group.kind !== "folder" ? [Photos.get(photo, "group"), group.label] : null;
  }

  function sections(photos) {
    const items = sorted(photos);
    if (current.grouping === "none") return [{ label: null, items }];
    const found = new Map();
    const alone = [];
    for (const photo of items) {
      const [key, label] = sectionOf(photo) ?? [];
      if (label === undefined) alone.push(photo);
      else if (found.has(key)) found.get(key).items.push(photo);
      else found.set(key, { label, items: [photo] });
    }
    if (alone.length) found.set(alone, { label: found.size ? groupWord === "Bursts" ? "Not in a burst" : "Not in a group" : null, items: alone });
    return [...found.values()];
  }

  function use(id) {
    current.sort = id;
    current.down = SORTS.find((s) => s.id === id).down;
  }

  return { current, offered, groupings, sections, sorted, use };
})();
